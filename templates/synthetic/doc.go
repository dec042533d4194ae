// Package synthetic makes artificial populations for demonstrations, tests and
// measurements, of any size and without anybody's biometrics.
//
// A [Population] is fixed by a scheme and a seed. Every template of it is made
// independently of the others, so entry 7 is the same in a watchlist of ten and
// of ten million, and nothing has to be kept:
//
//	p, err := synthetic.New(scheme, 1)
//	entry := p.Entry(7)         // enrolled person 7
//	probe := p.Genuine(7, 0)    // the same person at another time
//	other := p.Stranger(3)      // somebody who is not in the list
//
// # Iris codes
//
// The bits are not independent, because those of real irises are not. The rows
// are divided into bands, eight in all where there are enough rows, each plane
// with bands of its own. Along a band the bit changes from column to column with
// a small probability, fifteen times on the way round, so that it keeps its value
// over an arc of the eye; every line of the band follows it with a twentieth of
// its bits disturbed. The fractional Hamming distance of two different people at
// one rotation then has mean .5 and the spread of a binomial distribution with
// far fewer degrees of freedom than the code has bits. Daugman ("Probing the
// uniqueness and randomness of IrisCodes", 2006) found 249 over 200 billion
// comparisons, a standard deviation of .032. Here, over 3000 pairs with their
// masks:
//
//	shape       bands  deviation  degrees of freedom
//	16x256x2x2  8      .0318      247
//	16x200x2x2  8      .0314      253
//	16x128x1x1  8      .0316      250
//	8x128x1x2   8      .0315      253
//
// A code with fewer rows than make eight bands has proportionately fewer degrees
// of freedom, and so more chance hits.
//
// Masks have an upper and a lower eyelid that cover arcs widening outwards,
// lashes hanging from the upper one, and a few reflections; 50 to 80 % of the
// bits are usable. Another capture of the same eye has bits flipped, mostly
// those next to a change along the line, where the filter response is weak; the
// distance is about .15 +- .05 and never meant to exceed .25. It has a mask of
// its own and is turned by up to MaxRoll columns, small angles being the most
// likely.
//
// Irises on this model are good enough to exercise a system and to count
// operations. They say nothing about the accuracy of a real one.
//
// # Vectors
//
// Coordinates of an entry are independent and normal, so the cosines of two
// people have mean 0 and standard deviation 1/sqrt(Dims). The cosine between an
// entry and another capture is about .7 +- .05, with the same deviation on top.
//
// # Randomness
//
// The source is ChaCha8 keyed with the SHA-256 of seed, kind and number. The
// arithmetic is on integers and correctly rounded floating-point operations, so
// that the same population comes out on every machine. Seeds are no secret and
// the templates no key material.
package synthetic
