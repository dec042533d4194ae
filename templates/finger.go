package templates

import (
	"math/bits"
	"strconv"
	"strings"
)

// Fingers is the number of fingers of a person. Their positions are those of
// ISO/IEC 19794-2, from 1, the right thumb, to 5, the right little finger, and from
// 6, the left thumb, to 10, the left little finger.
const Fingers = 10

// FingerSet is a set of finger positions: bit f for position f, 1..Fingers.
type FingerSet uint16

// AllFingers has the ten positions.
const AllFingers FingerSet = 1<<(Fingers+1) - 2

// FingersAt makes a set of positions. It panics for one that is not 1..Fingers.
func FingersAt(positions ...int) FingerSet {
	var s FingerSet
	for _, f := range positions {
		if f < 1 || f > Fingers {
			panic("templates: no finger has position " + strconv.Itoa(f))
		}
		s |= 1 << f
	}
	return s
}

// Has reports whether a position is in the set.
func (s FingerSet) Has(position int) bool {
	return position >= 1 && position <= Fingers && s>>position&1 == 1
}

// Len is the number of positions in the set.
func (s FingerSet) Len() int { return bits.OnesCount16(uint16(s & AllFingers)) }

// Positions lists the set, ascending.
func (s FingerSet) Positions() []int {
	var list []int
	for f := 1; f <= Fingers; f++ {
		if s.Has(f) {
			list = append(list, f)
		}
	}
	return list
}

// String is the positions, ascending, as in "2,3,7,8".
func (s FingerSet) String() string {
	var b strings.Builder
	for i, f := range s.Positions() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(f))
	}
	return b.String()
}

// parseFingerSet reads what String writes, and nothing else.
func parseFingerSet(text string) (FingerSet, bool) {
	var s FingerSet
	for part := range strings.SplitSeq(text, ",") {
		f, err := strconv.Atoi(part)
		if err != nil || f < 1 || f > Fingers {
			return 0, false
		}
		s |= 1 << f
	}
	return s, s.String() == text
}
