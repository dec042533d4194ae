// Command avx2 writes the AVX2 routines of package kernel with avo:
//
//	go run ./avx2 -out ../kernel_avx2_amd64.s -stubs ../stubs_avx2_amd64.go -pkg kernel
//
// All routines compute modulo an odd q < 2^50 on four lanes. AVX2 has no
// multiplier of 64-bit integers, but with FMA it multiplies doubles exactly: with h =
// fl(a*b), the sum of h and fma(a, b, -h) is a*b (T. J. Dekker, "A floating-point
// technique for extending the available precision", 1971). FLINT's fft_small computes
// modulo primes of 50 bits in this way (D. Schultz, 2022). Between the ends of a routine
// a residue is a signed integer below 2^52 in magnitude, held by a double. Rounding is
// to nearest. Three facts carry the whole folder:
//
//   - fl(v + 1.5*2^52) - 1.5*2^52 is the integer nearest to v for |v| <= 2^51, also for
//     a product v that a fused multiply-add does not round.
//   - For a constant w, |w| < q/2, with w' = fl(w/q), any |y| < 2^52 and c the integer
//     nearest to w'*y, w*y - c*q is at most q*(1/2 + |y|/2^54) in magnitude: c differs
//     from w*y/q by 1/2 for the rounding and |w*y/q| * 2^-53 for w'. With h = fl(w*y),
//     fma(w, y, -h), below 2^49, and fma(-c, q, h) are integers, of which the double
//     has all bits, and so has their sum: the remainder is exact (Shoup's
//     multiplication with a quotient in floating point).
//   - For |x| < 2^52 and c the integer nearest to fl(1/q)*x, x - c*q is below q/2 in
//     magnitude: it is an integer below q/2 + |x|*2^-53 < (q+1)/2.
//
// No operand is subnormal, and no value decides a branch or an address.
package main

import "github.com/mmcloughlin/avo/build"

func main() {
	build.ConstraintExpr("amd64")
	forwardPass("avx2ForwardFirst8", 8, true)
	forwardPass("avx2Forward8", 8, false)
	forwardPass("avx2Forward4", 4, false)
	forwardTail()
	inverseHead()
	inversePass("avx2Inverse4", 4, false)
	inversePass("avx2Inverse8", 8, false)
	inversePass("avx2InverseLast8", 8, true)
	multiply("avx2Multiply", false)
	multiply("avx2MultiplyAdd", true)
	accumulate()
	scale("avx2Scale", false)
	scale("avx2ScaleAdd", true)
	fraction()
	addSmall()
	spread()
	build.Generate()
}
