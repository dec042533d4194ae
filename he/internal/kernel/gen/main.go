// Command gen writes the AVX-512 routines of package kernel with avo:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
//
// It is a module of its own so that avo is no dependency of the product. The
// output is committed; -out and -stubs can name other files to compare with it.
//
// All routines compute modulo a prime q < 2^50 on eight 64-bit lanes. The
// multipliers of AVX-512 IFMA take 52-bit factors and add the low or the high 52
// bits of the product to an accumulator. Two facts carry the whole file:
//
//   - For a constant w < q with w' = floor(w*2^52/q) and any y < 2^52,
//     w*y - floor(w'*y/2^52)*q lies in [0, q*(1+y/2^52)), so in [0, 2q), and
//     since it is below 2^52 its low 52 bits are all of it (Shoup's
//     multiplication, in the form of D. Harvey, "Faster arithmetic for
//     number-theoretic transforms", 2014).
//   - min(x, x-m) on unsigned words takes x < 2m to its residue below m: the
//     difference wraps to a huge number exactly when x < m.
package main

import "github.com/mmcloughlin/avo/build"

func main() {
	build.ConstraintExpr("amd64")
	forwardPass8()
	forwardPass2()
	forwardTail()
	inverseHead()
	inversePass2()
	inversePass8()
	inverseLast8()
	multiply("multiply", false)
	multiply("multiplyAdd", true)
	accumulate()
	scale("scale", false)
	scale("scaleAdd", true)
	fraction()
	addSmall()
	spread()
	centredBinomial()
	nonzero()
	targetPrefixes()
	pick()
	lift()
	liftPass8()
	addProducts()
	cutBelow()
	widen()
	join()
	packBits()
	unpackBits()
	build.Generate()
}
