package kernel

import "slices"

// Sizes of the tables of packBits and unpackBits; gen/pack.go has the same.
const (
	groupParts = 2 * lanes // parts that are packed together
	groupWords = 2 * lanes // words on the wire that are written or read together
	groupBytes = 8 * groupWords
	packTerms  = 4
	inVectors  = 5
)

// layoutTables are the operands of packBits and unpackBits.
//
// A word on the wire is the first part that touches it, shifted right, and up to three more,
// shifted left; a part that is not there is shifted out. With too many of them, which
// takes narrow parts, the layout has no tables.
//
// A part is what is left of the word where it begins, shifted right, and the beginning of
// the next, shifted left, under a mask.
type layoutTables struct {
	usable bool
	pack   [2][packTerms][2][lanes]uint64
	unpack [2][inVectors][lanes]uint64
}

// start returns the bit where lane i of a list begins in a group.
func (l *Layout) start(list, i int) int {
	if l.single {
		return (list*lanes + i) * int(l.widths[0])
	}
	return i*int(l.widths[0]+l.widths[1]) + list*int(l.widths[0])
}

func (l *Layout) makeTables() layoutTables {
	t := layoutTables{usable: true}
	for half := range t.pack {
		for term := range t.pack[half] {
			for i := range lanes {
				t.pack[half][term][1][i] = 64 // shifted out
			}
		}
	}
	order := make([]int, groupParts)
	for part := range order {
		order[part] = part
	}
	slices.SortFunc(order, func(x, y int) int { return l.start(x/lanes, x%lanes) - l.start(y/lanes, y%lanes) })
	var terms [groupWords]int
	for _, part := range order {
		list, lane := part/lanes, part%lanes
		first := l.start(list, lane)
		last := first + int(l.widths[list]) - 1
		for w := first / 64; w <= last/64; w++ {
			shift := first - 64*w
			if terms[w] == 0 {
				shift = -shift
			}
			if terms[w] == packTerms {
				return layoutTables{}
			}
			entry := &t.pack[w/lanes][terms[w]]
			entry[0][w%lanes], entry[1][w%lanes] = uint64(part), uint64(shift)
			terms[w]++
		}
		w, shift := first/64, first%64
		for k, v := range []int{w, shift, (w + 1) % groupWords, 64 - shift, 1<<l.widths[list] - 1} {
			t.unpack[list][k][lane] = uint64(v)
		}
	}
	return t
}

// groups returns how many groups there are of which groupBytes bytes lie on the wire, and
// the words of a list and the bytes on the wire of each.
func (l *Layout) groups(wire []byte, low []uint64) (count, words, bytes int) {
	words, bytes = lanes, int(l.widths[0]+l.widths[1])
	if l.single {
		words = groupParts
	}
	if !l.tables.usable || len(wire) < groupBytes {
		return 0, words, bytes
	}
	return min((len(wire)-groupBytes)/bytes+1, len(low)/words), words, bytes
}

// lists returns the first words of the two lists of parts of a group.
func (l *Layout) lists(low, high []uint64) (a, b *uint64) {
	if l.single {
		return &low[0], &low[lanes]
	}
	return &low[0], &high[0]
}

// packVectors packs whole groups and returns the words and bytes that this was.
func (l *Layout) packVectors(dst []byte, low, high []uint64) (int, int) {
	count, words, bytes := l.groups(dst, low)
	if count > 0 {
		a, b := l.lists(low, high)
		packBits(&dst[0], a, b, &l.tables.pack[0][0][0][0], uint64(8*words), uint64(bytes), uint64(count))
	}
	return count * words, count * bytes
}

// unpackVectors is the contrary.
func (l *Layout) unpackVectors(src []byte, low, high []uint64) (int, int) {
	count, words, bytes := l.groups(src, low)
	if count > 0 {
		a, b := l.lists(low, high)
		unpackBits(a, b, &src[0], &l.tables.unpack[0][0][0], uint64(8*words), uint64(bytes), uint64(count))
	}
	return count * words, count * bytes
}

// The functions below do what fills whole registers and return how much that was.

func residuesVectors(words []uint64, mask, q uint64) int {
	whole := len(words) / lanes
	if whole == 0 {
		return 0
	}
	return lanes * int(cutBelow(&words[0], mask, q, uint64(whole)))
}

func widenVectors(dst []uint64, src []uint32, shift uint) int {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		widen(&dst[0], &src[0], uint64(shift), uint64(whole/lanes))
	}
	return whole
}

func joinVectors(low, high []uint64, q uint64, drop uint) int {
	whole := len(low) &^ (lanes - 1)
	if whole > 0 {
		join(&low[0], &high[0], q, 1<<Digit-1, uint64(drop), uint64(whole/lanes))
	}
	return whole
}
