package minutiae

import (
	"encoding/binary"
	"fmt"
)

// Decode reads all views of one file of any format that Detect knows.
//
// It takes nothing on trust. Every length is checked before it is followed, and
// what lies outside its range in the format (coordinates beyond the image, an
// angle beyond the circle, a reserved code) is an error, since minutiae that are
// wrong are worse than none. The views and minutiae returned are as many as the
// record says that it has. Two things that do occur are passed over: extended
// data that end up to two bytes off, and zeros after the record, as smart cards
// and sector-wise copies leave them.
//
// Extended data (ridge counts, cores, deltas, zonal quality) and, in a transaction,
// all records but those of Type-9 are skipped.
// Errors wrap ErrFormat or ErrTooLarge and tell the view and the minutia, counted
// from 1.
func Decode(data []byte, o Options) ([]View, error) {
	if len(data) > MaxData {
		return nil, fail(ErrTooLarge, "the file has more than %d bytes", MaxData)
	}
	switch format := Detect(data); format {
	case Unknown:
		return nil, errUnknown(data)
	case XYT:
		view, err := decodeXYT(data, o.XYT)
		if err != nil {
			return nil, err
		}
		return []View{view}, nil
	case Type9:
		views, err := decodeType9(data)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", format, err)
		}
		return views, nil
	default:
		views, err := decodeRecord(data, format)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", format, err)
		}
		return views, nil
	}
}

func decodeRecord(data []byte, format Format) ([]View, error) {
	c := &cursor{data: data}
	h, err := c.header(format)
	if err != nil {
		return nil, err
	}
	first := c.at
	views, err := c.views(h)
	if err != nil && h.dubious {
		// Nothing but the check of the angles can come out otherwise.
		c.at, h.circle = first, isoCircle
		if again, e := c.views(h); e == nil {
			return again, nil
		}
	}
	return views, err
}

// views reads all views and checks that the record ends with them.
func (c *cursor) views(h header) ([]View, error) {
	views := make([]View, h.views)
	for i := range views {
		views[i] = h.common
		if err := c.view(h, &views[i], i == len(views)-1); err != nil {
			return nil, fmt.Errorf("view %d of %d: %w", i+1, len(views), err)
		}
	}
	if err := c.end(h.total); err != nil {
		return nil, err
	}
	return views, nil
}

// cursor reads a record from its beginning to its end.
type cursor struct {
	data []byte
	// at is the offset of what comes next; beyond the data, by at most
	// tailSlack, once the extended data of the last view were cut short.
	at int
}

// take gives the next n bytes.
func (c *cursor) take(n int, what string) ([]byte, error) {
	if n > len(c.data)-c.at {
		return nil, fail(ErrFormat, "the record ends within %s", what)
	}
	b := c.data[c.at : c.at+n]
	c.at += n
	return b, nil
}

// skipExtended passes over the extended data of a view, their length in front.
func (c *cursor) skipExtended(last bool) error {
	slack := 0
	if last {
		slack = tailSlack
	}
	rest := len(c.data) - c.at
	if rest < 2 && rest+slack >= 2 {
		// What the length was shows in the length of the record.
		c.at += 2
		return nil
	}
	b, err := c.take(2, "the length of the extended data")
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(c.data)-c.at+slack {
		return fail(ErrFormat, "the extended data go beyond the end of the record")
	}
	c.at += n
	return nil
}

// checkTotal checks the length in the header against that of the file.
func (c *cursor) checkTotal(total uint32) error {
	if uint64(total) > uint64(len(c.data)+tailSlack) {
		return fail(ErrFormat, "the record should have %d bytes, the file has %d; it was cut short", total, len(c.data))
	}
	return nil
}

// end checks that the record ends where it says, with nothing behind it.
func (c *cursor) end(total int) error {
	if c.at < total-tailSlack || c.at > total+tailSlack {
		return fail(ErrFormat, "the header counts %d bytes, the views have %d", total, c.at)
	}
	for i := max(c.at, total); i < len(c.data); i++ {
		if c.data[i] != 0 {
			return fail(ErrFormat, "more data follow the record after %d bytes; split the file", total)
		}
	}
	return nil
}
