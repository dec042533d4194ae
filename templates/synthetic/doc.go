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
//	p.Quality = synthetic.Hard  // probes as from a bad camera, which may miss
//	thumb := p.Finger(7, 1, 0)  // one finger, under schemes with vectors
//
// Under a fused scheme people have all its parts, and parts are independent.
//
// # Iris codes
//
// The bits are not independent, because those of real irises are not. An encoder
// stores in which quadrant the phase of a filter's response is, as the signs of the
// real and the imaginary part (Daugman, "How iris recognition works", 2004, section
// 3). Here the phase of a band of rows makes quarter turns from column to column with
// a fixed probability, always the same way round; the two planes are its bits, every
// line of the band follows it with one bit in 64 disturbed, and the turn is left out
// at times at one of the phases, so that strangers agree a little more often than not.
// The agreement of bits d columns apart is then near the real part of (1-p+ip)^d, a
// damped oscillation, and that between the planes near its imaginary part. In an eye
// that open-iris encoded, and in the mean of 60 entries:
//
//	columns apart           1     2     3     4
//	first filter           .85   .61   .37   .16   measured
//	                       .78   .63   .49   .36   here
//	second filter          .48   .03  -.19  -.20   measured
//	                       .54   .14  -.10  -.15   here
//
// # Qualities
//
// Means, deviations and equal error rates were measured on three public near-infrared
// sets with an open-iris compatible encoder, 16x256x2x2, at least 2000 common bits, the
// least distance of 31 rotations. The model has two numbers of turns, the number of
// bands, the share of turns left out and, for every quality, the distribution of the
// share of differing bits and of usable ones fitted to them. Its own figures are of
// 4000 pairs of a capture and an entry, which determine an error rate of .9 % to .15
// and one of 4.5 % to .33:
//
//	                 genuine       impostor      one rotation         equal error
//	Good     real    .154 +- .076  .460 +- .012  .491 +- .019 (723)    .84 %
//	         here    .154 +- .077  .460 +- .012  .490 +- .018 (759)    .92 %
//	Average  real    .239 +- .069  .456 +- .013  .486 +- .020 (607)    .90 %
//	         here    .240 +- .069  .458 +- .012  .490 +- .019 (698)    .90 %
//	Hard     real    .302 +- .082  .464 +- .039  .495 +- .021 (560)   4.1 %
//	         here    .299 +- .079  .457 +- .013  .490 +- .020 (632)   4.5 %
//
// In parentheses are the degrees of freedom, .25 divided by the squared deviation. The
// deviation of .039 is three times what a deviation of .021 at one rotation makes; the
// model does not follow it. Daugman ("Probing the uniqueness and randomness of
// IrisCodes", 2006) found 249 degrees in 2048-bit codes over 200 billion comparisons.
// Entries and strangers of Controlled quality, over 3000 pairs:
//
//	16x256x2x2  .489 +- .020  640      16x256x1x2  .491 +- .028  321
//	16x200x2x2  .490 +- .021  561      20x240x1x2  .490 +- .027  334
//	 8x256x2x2  .489 +- .020  627      16x128x1x1  .490 +- .032  240
//	                                    8x128x1x2  .489 +- .032  251
//
// A code with fewer rows than bands has fewer degrees of freedom, and so more chance
// hits.
//
// Controlled, the default, is for tests that need every capture to hit: distances of
// .15 +- .05. Its captures have bits flipped, mostly those next to a change along the
// line, where the response is weak. That makes them less like strangers (930 degrees)
// than captures of the other qualities, which show arcs of another eye instead. Two
// captures of an eye differ more from each other than either does from the entry.
//
// Masks have an upper and a lower eyelid that cover arcs widening outwards,
// lashes hanging from the upper one, and a few reflections; 50 to 75 % of the
// bits are usable. Every capture has a mask of its own and is turned by up to MaxRoll
// columns, small angles being the most likely.
//
// Everything but the table is invented: what follows from irises of this model about
// the accuracy of a real system is no more than what follows from the table.
//
// # Vectors
//
// Coordinates of an entry are independent and normal, so the cosines of two people, or
// of two fingers, have mean 0 and standard deviation 1/sqrt(Dims). All captures of a
// finger have a part in common, so that two of them have a cosine of
//
//	Learned   .70 +- .05, with the deviation of chance on top
//	Minutiae  .20 +- .13, that of chance included
//
// Learned is what a trained network gives; Minutiae is what was measured on fixed-length
// vectors of 2048 coordinates made from minutiae without training, with .00 +- .03
// between different fingers. That is the 1/sqrt(Dims) of about 1100 coordinates.
//
// # Randomness
//
// The source is ChaCha8 keyed with the SHA-256 of seed, kind and number. The
// arithmetic is on integers and correctly rounded floating-point operations, so
// that the same population comes out on every machine. Seeds are no secret and
// the templates no key material.
package synthetic
