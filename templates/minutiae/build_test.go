package minutiae

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// layout picks one of the forms that a format allows.
type layout struct {
	version   string // of ISO2005, ANSI2004 and ANSI2009; "" for the usual one
	long      bool   // ANSI2004: length of 2 and 4 bytes
	draft     bool   // ANSI2009: header of the draft of 2007
	certified bool   // ISO2011: certification data
	short     bool   // ISO2011: minutiae without quality
	extended  int    // bytes of extended data per view
}

// build encodes views independently of the code under test.
func build(f Format, l layout, views []View) []byte {
	var body []byte
	for i, v := range views {
		body = append(body, buildView(f, l, v, byte(i))...)
	}
	device := []byte{0x80, 0xb5}
	var head []byte
	version := map[Format]string{ISO2005: " 20", ANSI2004: " 20", ANSI2009: "030", ISO2011: "030"}[f]
	if l.version != "" {
		version = l.version
	}
	magic := []byte("FMR\x00" + version + "\x00")
	switch f {
	case ISO2005:
		head = append(head, magic...)
		head = u32(head, 24+len(body))
		head = append(head, device...)
		head = u16(head, views[0].Width, views[0].Height, views[0].ResX, views[0].ResY)
		head = append(head, byte(len(views)), 0)
	case ANSI2004:
		head = append(head, magic...)
		if l.long {
			head = u32(u16(head, 0), 30+len(body))
		} else {
			head = u16(head, 26+len(body))
		}
		head = append(u16(head, 66, 17), device...)
		head = u16(head, views[0].Width, views[0].Height, views[0].ResX, views[0].ResY)
		head = append(head, byte(len(views)), 0)
	case ANSI2009:
		head = append(head, magic...)
		if l.draft {
			head = u16(u32(head, 20+len(body)), 66, 17)
		} else {
			head = append(u16(u32(head, 21+len(body)), 66, 17), 0x80)
		}
		head = append(append(head, device...), byte(len(views)), 0)
	case ISO2011:
		head = u16(u32(append(head, magic...), 15+len(body)), len(views))
		if l.certified {
			head = append(head, 1)
		} else {
			head = append(head, 0)
		}
	}
	return append(head, body...)
}

func buildView(f Format, l layout, v View, salt byte) []byte {
	var b []byte
	size := 6
	switch f {
	case ISO2005, ANSI2004:
		b = append(b, byte(v.Finger), byte(v.Number)<<4|v.Impression, v.Quality)
	case ANSI2009:
		b = append(b, byte(v.Finger), byte(v.Number), v.Impression, v.Quality, 0, 6, 0, 55)
		b = u16(b, v.Width, v.Height, v.ResX, v.ResY)
	case ISO2011:
		b = append(b, 7, 213, 12, 15, 17, 35, 20, 0, 0, 1, 0xab, 0xcd, 0, 0xb5)
		if v.Quality == QualityNotReported {
			b = append(b, 0)
		} else {
			// The second quality is of another algorithm.
			b = append(b, 2, v.Quality, 0, 6, 0, 55, 1, 0, 7, 0, 8)
		}
		if l.certified {
			b = append(b, 2, 0, 9, 1, 0, 9, 2)
		}
		b = u16(append(b, byte(v.Finger), byte(v.Number)), v.ResX, v.ResY)
		b = u16(append(b, v.Impression), v.Width, v.Height)
		if l.short {
			size = 5
		}
		b = append(b, byte(size)<<4|1)
	}
	b = append(b, byte(len(v.Minutiae)))
	for _, m := range v.Minutiae {
		b = u16(b, int(m.Kind)<<14|m.X, m.Y)
		b = append(b, byte(math.Round(m.Angle*circle(f)/(2*math.Pi))), m.Quality)[:len(b)+size-4]
	}
	b = u16(b, l.extended)
	for i := range l.extended {
		b = append(b, salt+byte(i)+1)
	}
	if f == ISO2011 {
		b = append(u32(nil, len(b)+4), b...)
	}
	return b
}

// circle is the number of angles of a format.
func circle(f Format) float64 {
	if f == ANSI2004 || f == ANSI2009 {
		return 180
	}
	return 256
}

func u16(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func u32(b []byte, v int) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

// randomViews are views that a format and a layout can hold.
func randomViews(r *rand.Rand, f Format, l layout, n int) []View {
	views := make([]View, n)
	common := View{Width: 1 + r.IntN(maxSide), Height: 1 + r.IntN(maxSide), ResX: minResolution + r.IntN(maxResolution-minResolution+1), ResY: minResolution + r.IntN(maxResolution-minResolution+1)}
	for i := range views {
		v := &views[i]
		*v = common
		v.Format, v.Finger, v.Number = f, Finger(i/16%11), i%16
		v.Quality = []uint8{uint8(r.IntN(101)), QualityFailed, QualityNotReported}[r.IntN(3)]
		v.Impression = uint8(r.IntN(16))
		if f == ANSI2009 || f == ISO2011 {
			v.Impression = uint8(r.IntN(30))
			v.Width, v.Height = 1+r.IntN(maxSide), 1+r.IntN(maxSide)
			v.ResX, v.ResY = minResolution+r.IntN(maxResolution-minResolution+1), minResolution+r.IntN(maxResolution-minResolution+1)
		}
		v.Minutiae = make([]Minutia, r.IntN(256))
		for k := range v.Minutiae {
			angle := r.IntN(int(circle(f)))
			v.Minutiae[k] = Minutia{X: r.IntN(v.Width), Y: r.IntN(v.Height), Angle: 2 * math.Pi * float64(angle) / circle(f), Kind: Kind(r.IntN(3)), Quality: uint8(r.IntN(101))}
			if l.short {
				v.Minutiae[k].Quality = 0
			}
		}
	}
	return views
}

// xytText writes minutiae as mindtct does, from an image of the given height.
func xytText(minutiae []Minutia, c Convention, height int, quality bool) []byte {
	var b strings.Builder
	for _, m := range minutiae {
		degrees := int(math.Round(m.Angle * 180 / math.Pi))
		if c == NIST {
			fmt.Fprintf(&b, "%d %d %d", m.X, height-m.Y, (degrees+180)%360)
		} else {
			fmt.Fprintf(&b, "%d %d %d", m.X, m.Y, degrees%360/2)
		}
		if quality {
			fmt.Fprintf(&b, " %d", m.Quality)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}
