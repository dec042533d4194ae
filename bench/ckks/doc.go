// Package ckks is a baseline to compare with: one query in approximate homomorphic
// arithmetic, in the manner of published systems, on Lattigo's own encoder, evaluator and
// polynomial evaluator. The product does not link it.
//
//	m, err := ckks.New(ckks.Config{Layout: ckks.Diagonal, Dims: 512, Norm: 127, Theta: 6452}, gallery)
//	answer, err := m.Query(probe, false, cpuClock)
//	hit := answer.Signs[slot] > 0
//
// # What is computed
//
// The party with the probe holds the secret key, the party with the gallery computes
// under relinearisation and rotation keys (CKKS: Cheon, Kim, Kim and Song, ASIACRYPT
// 2017). Of an entry with inner product s the answer is an approximation to the sign of
//
//	x = (s - Theta + 1/2) / (Norm^2 + Theta)
//
// one slot an entry. There are two ways to the inner products:
//
//   - ByDimension puts coordinate i of all entries into ciphertext i, and the probe has one
//     ciphertext for each of its coordinates (Engelsma, Jain and Boddeti, "HERS:
//     Homomorphically Encrypted Representation Search", arXiv 2003.12197). It needs no
//     rotation.
//   - Diagonal sends the probe once. Rotations of it meet the generalised diagonals of the
//     gallery (Martin et al., "HyDia", PoPETs 2025(4); Halevi and Shoup, CRYPTO 2014), in
//     baby and giant steps, which need twice the square root of the rotations
//     (De Micheli et al., arXiv 2604.00546).
//
// The sign is the composition of polynomials f3(g3(g3(x))) of degree 7 (Cheon, Kim and Kim,
// ePrint 2019/1234), nine levels. HERS as published has no sign: the scores are the answer.
//
// The gallery may be in the clear, as in the product, or encrypted under the same key, as
// published. In the second case rows are encrypted outside the clock as they are needed,
// so that memory does not grow with the gallery.
//
// # What the answer says
//
// Near the threshold it is not a sign but an increasing function of the score, which the
// holder of the key can invert; nothing hides what the noise says about the gallery (no
// flooding), and publishing decrypted values weakens CKKS itself (Li and Micciancio,
// ePrint 2020/1533).
package ckks
