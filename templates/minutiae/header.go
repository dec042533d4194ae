package minutiae

import "encoding/binary"

// Sizes in bytes in ISO/IEC 19794-2:2011 (8.3 and 8.4).
const (
	// iso2011Header is the general header.
	iso2011Header = 15
	// iso2011MinView is a view without minutiae, quality, certification and
	// extended data.
	iso2011MinView = 34
)

// Numbers of angles that make a circle.
const (
	isoCircle  = 256
	ansiCircle = 180
)

// header is what a record says before its first view.
type header struct {
	// total is the length of the record in bytes.
	total int
	// views is the number of views.
	views int
	// certified tells that the views of ISO2011 have certification data.
	certified bool
	// circle is the number of angles that make a circle.
	circle int
	// dubious tells that circle may be isoCircle instead. The sample record that
	// ANSI INCITS 378-2004 itself prints is such a one: its version is 020 and
	// not 20, and it has the angles of ISO, of which some are beyond ansiCircle.
	dubious bool
	// common is what all views share.
	common View
}

// header reads the header of a record. Fields not named here (product, device
// and its certification) say nothing about minutiae.
func (c *cursor) header(format Format) (header, error) {
	h := header{circle: isoCircle, common: View{Format: format}}
	var total uint32
	var err error
	switch format {
	case ISO2005:
		total, err = c.header2005(&h)
	case ANSI2004:
		total, err = c.header2004(&h)
	case ANSI2009:
		total, err = c.header2009(&h)
	case ISO2011:
		total, err = c.header2011(&h)
	}
	if err == nil {
		err = c.checkTotal(total)
	}
	if err != nil {
		return h, err
	}
	h.total = int(total)
	switch {
	case h.views == 0:
		return h, fail(ErrFormat, "the record has no view")
	case h.views > MaxViews:
		return h, fail(ErrTooLarge, "the record has %d views, more than %d", h.views, MaxViews)
	}
	return h, nil
}

// header2005: magic 4, version 4, length 4, device 2, width 2, height 2,
// resolution 2 and 2, views 1, reserved 1.
func (c *cursor) header2005(h *header) (uint32, error) {
	b, err := c.take(24, "its header")
	if err != nil {
		return 0, err
	}
	h.views = int(b[22])
	return binary.BigEndian.Uint32(b[8:]), h.common.setGeometry(b[14:18], b[18:22])
}

// header2004: magic 4, version 4, length 2 (or zero and 4), product 4, device 2,
// width 2, height 2, resolution 2 and 2, views 1, reserved 1.
func (c *cursor) header2004(h *header) (uint32, error) {
	b, err := c.take(10, "its header")
	if err != nil {
		return 0, err
	}
	total := uint32(binary.BigEndian.Uint16(b[8:]))
	if total == 0 {
		if b, err = c.take(4, "its header"); err != nil {
			return 0, err
		}
		total = binary.BigEndian.Uint32(b)
	}
	if b, err = c.take(16, "its header"); err != nil {
		return 0, err
	}
	h.views = int(b[14])
	h.circle, h.dubious = ansiCircle, c.data[4] == '0'
	return total, h.common.setGeometry(b[6:10], b[10:14])
}

// header2009: magic 4, version 4, length 4, product 4, certification 1, device 2,
// views 1, reserved 1. The draft of 2007 has no byte for the certification, so
// that the reserved one, zero, comes where the number of views is expected; a
// record that really has none ends there.
func (c *cursor) header2009(h *header) (uint32, error) {
	b, err := c.take(20, "its header")
	if err != nil {
		return 0, err
	}
	total := binary.BigEndian.Uint32(b[8:])
	h.circle, h.views = ansiCircle, int(b[18])
	if b[19] != 0 || total == 21 {
		h.views = int(b[19])
		if _, err := c.take(1, "its header"); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// header2011: magic 4, version 4, length 4, views 2, certification flag 1.
func (c *cursor) header2011(h *header) (uint32, error) {
	b, err := c.take(iso2011Header, "its header")
	if err != nil {
		return 0, err
	}
	if b[14] > 1 {
		return 0, fail(ErrFormat, "the flag for certification data is neither 0 nor 1")
	}
	h.views = int(binary.BigEndian.Uint16(b[12:]))
	h.certified = b[14] == 1
	return binary.BigEndian.Uint32(b[8:]), nil
}
