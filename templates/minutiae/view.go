package minutiae

import (
	"encoding/binary"
	"fmt"
	"math"
)

// view reads one view into v, which has what the header gave. The extended data
// of the last one may be cut short.
func (c *cursor) view(h header, v *View, last bool) error {
	start, length, size := c.at, 0, 6
	var err error
	switch v.Format {
	case ISO2005, ANSI2004:
		err = c.head2005(v)
	case ANSI2009:
		err = c.head2009(v)
	case ISO2011:
		length, size, err = c.head2011(h.certified, v)
	}
	if err != nil {
		return err
	}
	if err := v.check(); err != nil {
		return err
	}
	if err := c.minutiae(v, size, h.circle); err != nil {
		return err
	}
	if err := c.skipExtended(last); err != nil {
		return err
	}
	if v.Format == ISO2011 && c.at-start != length {
		return fail(ErrFormat, "it counts %d bytes and has %d", length, c.at-start)
	}
	return nil
}

// head2005: finger 1, number and impression 1, quality 1.
func (c *cursor) head2005(v *View) error {
	b, err := c.take(3, "the header of the view")
	if err != nil {
		return err
	}
	v.Finger, v.Number, v.Impression, v.Quality = Finger(b[0]), int(b[1]>>4), b[1]&15, b[2]
	return nil
}

// head2009: finger 1, number 1, impression 1, quality 1, its algorithm 4, width
// 2, height 2, resolution 2 and 2.
func (c *cursor) head2009(v *View) error {
	b, err := c.take(16, "the header of the view")
	if err != nil {
		return err
	}
	v.Finger, v.Number, v.Impression, v.Quality = Finger(b[0]), int(b[1]), b[2], b[3]
	return v.setGeometry(b[8:12], b[12:16])
}

// head2011: length 4, date 9, device 5, number of qualities 1 and 5 for each,
// where the header said so number of certificates 1 and 3 for each, finger 1,
// number 1, resolution 2 and 2, impression 1, width 2, height 2, size of a
// minutia and kind of ending 1. It gives the length and the size. The first
// quality is taken.
func (c *cursor) head2011(certified bool, v *View) (length, size int, err error) {
	b, err := c.take(19, "the header of the view")
	if err != nil {
		return 0, 0, err
	}
	// Detect has seen that this fits the length of the record.
	length = int(binary.BigEndian.Uint32(b))
	qualities, err := c.take(5*int(b[18]), "the quality data")
	if err != nil {
		return 0, 0, err
	}
	v.Quality = QualityNotReported
	if len(qualities) > 0 {
		v.Quality = qualities[0]
	}
	if certified {
		if b, err = c.take(1, "the certification data"); err != nil {
			return 0, 0, err
		}
		if _, err = c.take(3*int(b[0]), "the certification data"); err != nil {
			return 0, 0, err
		}
	}
	if b, err = c.take(12, "the header of the view"); err != nil {
		return 0, 0, err
	}
	v.Finger, v.Number, v.Impression = Finger(b[0]), int(b[1]), b[6]
	size = int(b[11] >> 4)
	switch {
	case size != 5 && size != 6:
		return 0, 0, fail(ErrFormat, "the size of a minutia is neither 5 nor 6 bytes")
	case b[11]&15 > 1:
		return 0, 0, fail(ErrFormat, "the kind of ridge ending is neither 0 nor 1")
	}
	return length, size, v.setGeometry(b[7:11], b[2:6])
}

// setGeometry sets width and height from size and the resolution in both
// directions from res, two bytes each.
func (v *View) setGeometry(size, res []byte) error {
	v.Width, v.Height = int(binary.BigEndian.Uint16(size)), int(binary.BigEndian.Uint16(size[2:]))
	v.ResX, v.ResY = int(binary.BigEndian.Uint16(res)), int(binary.BigEndian.Uint16(res[2:]))
	for _, side := range []int{v.Width, v.Height} {
		if side < 1 || side > maxSide {
			return fail(ErrFormat, "an image of %d x %d pixels; each side must have 1 to %d", v.Width, v.Height, maxSide)
		}
	}
	for _, r := range []int{v.ResX, v.ResY} {
		if r < minResolution || r > maxResolution {
			return fail(ErrFormat, "a resolution of %d x %d pixels per cm; it must be %d to %d", v.ResX, v.ResY, minResolution, maxResolution)
		}
	}
	return nil
}

// check checks the codes of a view.
func (v *View) check() error {
	switch {
	case v.Finger > maxFinger:
		return fail(ErrFormat, "finger position %d is not a single finger (0 to %d)", v.Finger, maxFinger)
	case v.Number > maxNumber:
		return fail(ErrFormat, "view number %d is beyond %d", v.Number, maxNumber)
	case v.Impression > maxImpression:
		return fail(ErrFormat, "impression type %d is reserved", v.Impression)
	case v.Quality > maxQuality && v.Quality != QualityNotReported && v.Quality != QualityFailed:
		return fail(ErrFormat, "the quality is not on the scale to %d", maxQuality)
	}
	return nil
}

// minutiae reads the number of minutiae and the minutiae of size 5, without
// quality, or 6, their angles on a circle of that many units.
func (c *cursor) minutiae(v *View, size, circle int) error {
	b, err := c.take(1, "the header of the view")
	if err != nil {
		return err
	}
	count := int(b[0])
	if b, err = c.take(count*size, "the minutiae"); err != nil {
		return err
	}
	v.Minutiae = make([]Minutia, count)
	for i := range v.Minutiae {
		if v.Minutiae[i], err = v.minutia(b[i*size:(i+1)*size], circle); err != nil {
			return fmt.Errorf("minutia %d of %d: %w", i+1, count, err)
		}
	}
	return nil
}

// minutia: kind in 2 bits and x in 14, 2 reserved bits and y in 14, angle 1,
// quality 1 (or missing).
func (v *View) minutia(b []byte, circle int) (Minutia, error) {
	x, y, angle := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), int(b[4])
	m := Minutia{X: int(x & 0x3fff), Y: int(y & 0x3fff), Kind: Kind(x >> 14)}
	switch {
	case m.Kind > Bifurcation:
		return m, fail(ErrFormat, "its type is reserved")
	case m.X >= v.Width || m.Y >= v.Height:
		return m, fail(ErrFormat, "it lies outside the image of %d x %d pixels", v.Width, v.Height)
	case angle >= circle:
		return m, fail(ErrFormat, "its angle is not below %d units", circle)
	}
	m.Angle = 2 * math.Pi * float64(angle) / float64(circle)
	if len(b) == 6 && b[5] != QualityNotReported && b[5] != QualityFailed {
		if m.Quality = b[5]; m.Quality > maxQuality {
			return m, fail(ErrFormat, "its quality is not on the scale to %d", maxQuality)
		}
	}
	return m, nil
}
