package kernel

func (m *avx512) pick(dst []uint64, lists [][]uint64, keys []uint8, want uint8) {
	if n := len(dst); n == 0 || n%lanes != 0 {
		m.portable.pick(dst, lists, keys, want)
		return
	}
	pick(&dst[0], &lists[0], &keys[0], &m.c[0], uint64(want), uint64(len(lists)), uint64(len(dst)))
}

func (m *avx512) lift(dst, src []uint64, t uint64) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		lift(&dst[0], &src[0], t/2, m.q-t, uint64(whole/lanes))
	}
	m.portable.lift(dst[whole:], src[whole:], t)
}

func (m *avx512) liftNTT(dst, src []uint64, t uint64) {
	if m.n < minAssembly {
		m.portable.liftNTT(dst, src, t)
		return
	}
	first := m.forward[0] // one group of eight parts
	liftPass8(&dst[0], &src[0], &first.table[0], &m.c[0], t/2, m.q-t, first.stride)
	m.finish(dst, m.forward[1:])
}

// productWords is what addProducts takes at a time.
const productWords = 4 * lanes

func (m *avx512) addProducts(a, b []uint64, x, ya, yb [][]uint64) {
	if len(a)%productWords != 0 || len(a) == 0 || len(x) == 0 {
		m.portable.addProducts(a, b, x, ya, yb)
		return
	}
	addProducts(&a[0], &b[0], &x[0], &ya[0], &yb[0], &m.c[0], uint64(len(x)), uint64(len(a)/productWords))
}

// The functions below do what fills whole registers and return how much that was.

func nonzeroVectors(words []uint64, bound, least uint64) (whole, kept int) {
	whole = len(words) &^ (lanes - 1)
	if whole > 0 {
		kept = int(nonzero(&words[0], bound, least, uint64(whole/lanes)))
	}
	return whole, kept
}

func targetVectors(targets []uint64, levels []uint8, masks []uint32, turns []uint8, constants *[5]uint64) int {
	whole := len(targets) &^ (lanes - 1)
	if whole > 0 {
		targetPrefixes(&targets[0], &levels[0], &masks[0], &turns[0], &constants[0], uint64(whole/lanes))
	}
	return whole
}
