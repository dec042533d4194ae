// Package he is the homomorphic layer of Puente: two rings, two kinds of message moduli
// and no evaluation keys.
//
// It knows integers, not biometrics. Two roles use it.
//
// The key owner holds a secret key and one encrypted operand, cut into blocks:
//
//	p, err := he.New(he.Need{ScoreMin: -15616, ScoreMax: 8960, WeightL1: 2568192})
//	key := p.NewKeyOwner(seed)                   // a fresh 32-byte seed per session
//	send(key.PublicKey())
//	send(key.EncryptBlock(0, block))             // one message per block
//	x, err := key.OpenShare(share, pos)          // masked scores, uniform mod 2^ScoreBits
//	for level := range p.HitBits {
//		send(key.EncryptPrefix(batch, level, x)) // x>>level, one lane a value
//	}
//	hits := make([]bool, len(x))
//	err = key.OpenVerdict(answer, hits)          // of each answer: sets hits[i] for a zero
//
// The evaluator holds the plain operand (Weights, resident in transformed form)
// and the masks:
//
//	pk, err := p.ParsePublicKey(msg)
//	probe := pk.NewProbe(0, blocks)
//	err = probe.SetBlock(0, msg)
//	sums, err := pk.Accumulate(probes, weights)  // must not leave the evaluator
//	share := sums[0][0].Mask(...)                   // score + 1 + mask, re-randomised, flooded
//	batch, err := pk.NewBatch(index, masks)      // the masks of at most p.Lanes() scores
//	err = batch.SetPrefix(level, msg)            // each level once, in any order
//	err = batch.Close(seed)
//	for number := range p.HitBits {
//		send(batch.Answer(number))               // one zero per hit in all of them together
//	}
//
// # Scheme
//
// Both rings are Z[X]/(X^n+1) modulo q, a product of primes just under 2^50. Scores have
// n = 4096 and two primes, comparisons n = 8192 and two or three. A message m mod T
// travels as round(q*m/T) in the most significant bits (Brakerski, CRYPTO 2012; Fan and
// Vercauteren, ePrint 2012/144). Since q*m/T is rounded exactly, m wraps modulo T without
// an error term.
//
// For scores T = 2^ScoreBits. For comparisons T is the product of one to three primes that
// split completely, the planes, so that a message is n integers for each plane, the lanes,
// which are added and multiplied one by one (Smart and Vercauteren, DCC 71, 2014). A batch
// takes as many planes as it has comparisons for.
//
// A symmetric ciphertext of m under s is (a, b) with a expanded from a public
// seed and b = round(q*m/T) + e - a*s; only b travels, for scores only its upper bits
// where the noise budget has room.
//
// A comparison tells the key owner whether x lies in the open interval (r, r+2^HitBits), of
// which the evaluator knows r, and nothing else: the interval is the union of one dyadic
// interval for each level, and for each of them a lane holds rho*(x>>level - target) with
// rho uniform and not zero. In every answer each lane tests another level, in an order that
// is rotated by a random number of its own, so that the place of the zero is uniform and
// independent for every hit, also of several in one batch.
//
// What an answer would tell beside its message is drowned: a fresh encryption of zero
// covers a, and uniform flooding, over a range of at least 2^40 times the noise that
// depends on operands and keys, covers b (Budget).
//
// # Randomness
//
// Every random value is read from a Stream: AES-256 in counter mode under a key
// derived by HKDF-SHA256 from a seed, a label and indices. The same seed and
// inputs give the same bytes, on any machine and at any number of threads.
//
// # Constant time
//
// The samplers, the transforms and the packing take no data-dependent path but for
// conditional corrections by a modulus, which compilers usually make branch-free, and
// for rejections, which say nothing about the values that are kept: one byte in 20 for
// ternary coefficients, one word in 2^29 for residues modulo q, and for a blinding value of
// a plane p at most p words in 2^32. Go and the library beneath give no further promise
// about timing.
package he
