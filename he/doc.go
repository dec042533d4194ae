// Package he is the homomorphic layer of Puente: one ring, two message moduli
// and no evaluation keys.
//
// It knows integers, not biometrics. Two roles use it.
//
// The key owner holds a secret key and one encrypted operand, cut into blocks:
//
//	p, err := he.New(he.Need{ScoreMin: -34816, ScoreMax: 16383, WeightL1: 870400})
//	key := p.NewKeyOwner(seed)             // a fresh 32-byte seed per session
//	send(key.PublicKey())
//	send(key.EncryptBlock(0, block))       // one message per block
//	x, err := key.OpenShare(share, pos)    // masked scores, uniform mod 2^k
//	send(key.EncryptPrefixes(batch, x))    // x>>0, x>>1, ... x>>(h-1)
//	err = key.OpenVerdict(verdict, hits)   // sets hits[i] for every hit
//
// The evaluator holds the plain operand (Weights, resident in transformed form)
// and the masks:
//
//	pk, err := p.ParsePublicKey(msg)
//	probe := pk.NewProbe(blocks)
//	err = probe.SetBlock(0, msg)
//	sums, err := probe.Accumulate(weights) // must not leave the evaluator
//	share := sums[0].Mask(...)             // score + mask, re-randomised, flooded
//	verdict, err := pk.Verdict(...)        // one zero per hit, uniform otherwise
//
// # Scheme
//
// The ring is R = Z[X]/(X^4096+1) modulo q = q0*q1, two primes just under 2^50.
// A message m mod T travels as round(q*m/T) in the most significant bits
// (Brakerski, CRYPTO 2012; Fan and Vercauteren, ePrint 2012/144), T = 2^k for
// scores and T a prime that splits completely for comparisons. Since q*m/T is
// rounded exactly, m wraps modulo T without an error term.
//
// A symmetric ciphertext of m under s is (a, b) with a expanded from a public
// seed and b = round(q*m/T) + e - a*s; only b travels, and only its upper bits
// when the noise budget has room.
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
// for rejections, whose probability is that of a range: at most 2^-12 for blinding
// values, 2^-29 elsewhere. Go and the library beneath give no further promise about
// timing.
package he
