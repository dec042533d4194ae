package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// nonzero replaces words by 1 + (low half of the word)*bound >> 32, without those whose
// product has a low half under least, and returns how many are left. What it writes ends
// no later than the vector that it has just read.
func nonzero() {
	TEXT("nonzero", NOSPLIT, "func(words *uint64, bound, least, count uint64) uint64")
	Pragma("noescape")
	words := Load(Param("words"), GP64())
	bound, least := everywhere("bound"), everywhere("least")
	count := Load(Param("count"), GP64())
	one := ZMM()
	VPTERNLOGD(Imm(0xff), one, one, one)
	VPSRLQ(Imm(63), one, one)
	low := ZMM()
	VPTERNLOGD(Imm(0xff), low, low, low)
	VPSRLQ(Imm(32), low, low)
	to, kept, total := GP64(), GP64(), GP64()
	MOVQ(words, to)
	XORQ(total, total)

	Label("vector")
	x, half := ZMM(), ZMM()
	VPMULUDQ(Mem{Base: words}, bound, x)
	VPANDQ(low, x, half)
	keep := K()
	VPCMPUQ(Imm(5), least, half, keep) // not less than
	VPSRLQ(Imm(32), x, x)
	VPADDQ(one, x, x)
	VPCOMPRESSQ_Z(x, keep, x)
	VMOVDQU64(x, Mem{Base: to})
	KMOVW(keep, kept.As32())
	POPCNTQ(kept, kept)
	ADDQ(kept, total)
	LEAQ(Mem{Base: to, Index: kept, Scale: 8}, to)
	ADDQ(Imm(vector), words)
	DECQ(count)
	JNZ(LabelRef("vector"))
	Store(total, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// targetPrefixes writes level and target of lanes. The constants are number, hitBits,
// 2^hitBits, 2^scoreBits-1 and 1.
func targetPrefixes() {
	TEXT("targetPrefixes", NOSPLIT, "func(targets *uint64, levels *uint8, masks *uint32, turns *uint8, constants *uint64, count uint64)")
	Pragma("noescape")
	targets := Load(Param("targets"), GP64())
	levels := Load(Param("levels"), GP64())
	masks := Load(Param("masks"), GP64())
	turns := Load(Param("turns"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	var k [5]reg.VecVirtual
	for i := range k {
		k[i] = constant(c, i)
	}
	number, hitBits, block, cut, one := k[0], k[1], k[2], k[3], k[4]

	eachVector(count, func() {
		level, prefix, behind, within := ZMM(), ZMM(), ZMM(), ZMM()
		odd := K()
		VPMOVZXBQ(Mem{Base: turns}, level)
		VPADDQ(number, level, level)
		reduce(hitBits, level)
		VPMOVQB(level, Mem{Base: levels})
		VPMOVZXDQ(Mem{Base: masks}, prefix)
		VPSRLVQ(level, prefix, prefix)
		VPSRLVQ(level, block, behind)
		VPSRLVQ(level, cut, within)
		VPTESTMQ(one, prefix, odd)
		VPXORQ(one, prefix, prefix)
		VPADDQ(behind, prefix, odd, prefix)
		VPANDQ(within, prefix, prefix)
		VMOVDQU64(prefix, Mem{Base: targets})
	}, cursor{targets, vector}, cursor{levels, 8}, cursor{masks, vector / 2}, cursor{turns, 8})
}

// pick adds, of one to three lists of count words, the words whose key is wanted.
func pick() {
	TEXT("pick", NOSPLIT, "func(dst *uint64, lists *[]uint64, keys *uint8, constants *uint64, want, number, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	lists := Load(Param("lists"), GP64())
	keys := Load(Param("keys"), GP64())
	c := Load(Param("constants"), GP64())
	q, want := constant(c, constQ), everywhere("want")
	number := Load(Param("number"), GP64())
	count := Load(Param("count"), GP64())
	i, j, list, key, left := GP64(), GP64(), GP64(), GP64(), GP64()
	XORQ(i, i)

	Label("vector")
	sum := zero()
	MOVQ(lists, list)
	LEAQ(Mem{Base: keys, Index: i, Scale: 1}, key)
	MOVQ(number, left)
	Label("list")
	MOVQ(Mem{Base: list}, j)
	b, v := ZMM(), ZMM()
	wanted := K()
	VPMOVZXBQ(Mem{Base: key}, b)
	VPCMPEQQ(b, want, wanted)
	VMOVDQU64_Z(Mem{Base: j, Index: i, Scale: 8}, wanted, v)
	VPADDQ(v, sum, sum)
	reduce(q, sum)
	ADDQ(Imm(sliceSize), list)
	ADDQ(count, key)
	DECQ(left)
	JNZ(LabelRef("list"))
	VMOVDQU64(sum, Mem{Base: dst, Index: i, Scale: 8})
	ADDQ(Imm(8), i)
	CMPQ(i, count)
	JB(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

// sliceSize is the number of bytes from one slice of a list of slices to the next; a
// slice begins with the address of its words.
const sliceSize = 24

// raise adds a constant to the words above half.
func raise(half, add reg.VecVirtual, x ...reg.VecVirtual) {
	for i := range x {
		above := K()
		VPCMPGTQ(half, x[i], above)
		VPADDQ(add, x[i], above, x[i])
	}
}

// lift raises words.
func lift() {
	TEXT("lift", NOSPLIT, "func(dst, src *uint64, half, add, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	half, add := everywhere("half"), everywhere("add")
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		x := ZMM()
		VMOVDQU64(Mem{Base: src}, x)
		raise(half, add, x)
		VMOVDQU64(x, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{src, vector})
}

// liftPass8 is lift and forwardPass8 of one group.
func liftPass8() {
	TEXT("liftPass8", NOSPLIT, "func(dst, src, table, constants *uint64, half, add, stride uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	table := Load(Param("table"), GP64())
	f := newField(Load(Param("constants"), GP64()))
	half, add := everywhere("half"), everywhere("add")
	stride := Load(Param("stride"), GP64())
	SHLQ(Imm(3), stride)
	stride3, dstUpper, srcUpper, left := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	LEAQ(Mem{Base: dst, Index: stride, Scale: 4}, dstUpper)
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, srcUpper)
	MOVQ(stride, left)

	Label("column")
	x := loadVectors(parts(src, srcUpper, stride, stride3))
	raise(half, add, x...)
	f.forward8(x, factors(table, 0, pairs, true))
	storeVectors(x, parts(dst, dstUpper, stride, stride3))
	for _, p := range []reg.Register{dst, dstUpper, src, srcUpper} {
		ADDQ(Imm(vector), p)
	}
	SUBQ(Imm(vector), left)
	JNZ(LabelRef("column"))
	VZEROUPPER()
	RET()
}

// addProducts adds the sums of products of up to 2^10 lists to a and b, four vectors at a
// time: the low halves of a sum stay below 2^62. Of ya and yb, which seldom lie near, it
// fetches 1 KiB ahead; fetching behind a list's end is harmless.
func addProducts() {
	TEXT("addProducts", NOSPLIT, "func(a, b *uint64, x, ya, yb *[]uint64, constants *uint64, lists, count uint64)")
	Pragma("noescape")
	const width = 4
	dst := []reg.Register{Load(Param("a"), GP64()), Load(Param("b"), GP64())}
	x := Load(Param("x"), GP64())
	y := []reg.Register{Load(Param("ya"), GP64()), Load(Param("yb"), GP64())}
	c := Load(Param("constants"), GP64())
	lists := Load(Param("lists"), GP64())
	SHLQ(Imm(3), lists)
	LEAQ(Mem{Base: lists, Index: lists, Scale: 2}, lists) // times sliceSize
	count := Load(Param("count"), GP64())
	offset, list, xs, ys := GP64(), GP64(), GP64(), []reg.Register{GP64(), GP64()}
	XORQ(offset, offset)

	Label("vectors")
	var sums [2][width]sum
	for s := range sums {
		for i := range sums[s] {
			sums[s][i] = newSum()
		}
	}
	XORQ(list, list)
	Label("list")
	MOVQ(Mem{Base: x, Index: list, Scale: 1}, xs)
	for s := range ys {
		MOVQ(Mem{Base: y[s], Index: list, Scale: 1}, ys[s])
	}
	for i := range width {
		v := ZMM()
		VMOVDQU64(Mem{Base: xs, Index: offset, Scale: 1, Disp: i * vector}, v)
		for s := range sums {
			w := ZMM()
			VMOVDQU64(Mem{Base: ys[s], Index: offset, Scale: 1, Disp: i * vector}, w)
			PREFETCHT0(Mem{Base: ys[s], Index: offset, Scale: 1, Disp: i*vector + 1024})
			sums[s][i].add(w, v)
		}
	}
	ADDQ(Imm(sliceSize), list)
	CMPQ(list, lists)
	JB(LabelRef("list"))
	for s := range sums {
		for i, v := range sums[s] {
			at := Mem{Base: dst[s], Index: offset, Scale: 1, Disp: i * vector}
			r := total(c, v)
			VPADDQ(at, r, r)
			reduce(constant(c, constQ), r)
			VMOVDQU64(r, at)
		}
	}
	ADDQ(U32(width*vector), offset)
	DECQ(count)
	JNZ(LabelRef("vectors"))
	VZEROUPPER()
	RET()
}
