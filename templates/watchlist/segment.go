package watchlist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A segment file, integers big-endian:
//
//	header    8 "pntseg" 0 1 | 16 id | 4 count | 4 H
//	handles   12 nonce | H bytes | 16 tag     count times: 1 length | handle
//	templates 12 nonce | T bytes | 16 tag     count templates in binary form
//
// All templates of a scheme have the same size. The blocks are sealed apart, so that looking for a handle does not read the
// templates. Both are bound to the header, to the watchlist and to the scheme:
//
//	associated data = block name | 0 | header | watchlist id | scheme text
const (
	segmentMagic = "pntseg\x00\x01"
	headerSize   = len(segmentMagic) + idSize + 2*4
	minSegment   = int64(headerSize + 2*sealOverhead + 2 + 1)
	maxSegment   = int64(headerSize + 2*sealOverhead + maxHandleBlock + maxTemplateBlock)

	handlesBlock   = "handles\x00"
	templatesBlock = "templates\x00"
)

// header is the beginning of a segment file.
type header struct {
	id        id
	count     int
	handleLen int // of the block, in plain text
}

func (h header) encode() []byte {
	b := append([]byte(segmentMagic), h.id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(h.count))
	return binary.BigEndian.AppendUint32(b, uint32(h.handleLen))
}

// parseHeader checks every number before anything is allocated for it.
func parseHeader(b []byte) (h header, err error) {
	if len(b) != headerSize || string(b[:len(segmentMagic)]) != segmentMagic {
		return h, errors.New("not a segment of this version")
	}
	b = b[len(segmentMagic):]
	h.id = id(b[:idSize])
	b = b[idSize:]
	count, handleLen := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if count < 1 || count > maxSegmentEntries {
		return h, fmt.Errorf("%d entries, want 1 to %d", count, maxSegmentEntries)
	}
	if handleLen < 2*count || handleLen > (1+MaxHandle)*count {
		return h, errors.New("length of handles does not fit the number of entries")
	}
	h.count, h.handleLen = int(count), int(handleLen)
	return h, nil
}

// fileSize is the only size that a file with this header may have, for
// templates of templateSize bytes.
func (h header) fileSize(templateSize int) int64 {
	return int64(headerSize + 2*sealOverhead + h.handleLen + h.count*templateSize)
}

// segmentEntries is how many templates of templateSize bytes fill a segment.
func segmentEntries(templateSize int) int {
	return min(maxSegmentEntries, maxTemplateBlock/templateSize)
}

// associated is the associated data of one block.
func (h header) associated(block string, list id, scheme string) []byte {
	return slices.Concat([]byte(block), h.encode(), list[:], []byte(scheme))
}

// content is the plain text of a segment while it is being filled.
type content struct {
	count              int
	handles, templates []byte
}

// add appends an entry with a checked handle.
func (c *content) add(handle string, template []byte) {
	c.count++
	c.handles = append(append(c.handles, byte(len(handle))), handle...)
	c.templates = append(c.templates, template...)
}

// seal gives the bytes of a new segment file and its id.
func (c *content) seal(s secrets, scheme string) (id, []byte) {
	h := header{id: newID(), count: c.count, handleLen: len(c.handles)}
	aead := s.aead(h.id)
	out := append(make([]byte, 0, headerSize+2*sealOverhead+len(c.handles)+len(c.templates)), h.encode()...)
	out = aead.Seal(out, nil, c.handles, h.associated(handlesBlock, s.list, scheme))
	out = aead.Seal(out, nil, c.templates, h.associated(templatesBlock, s.list, scheme))
	return h.id, out
}

var errSealed = errors.New("authentication failed: damaged, or not a segment of this watchlist")

// openHandles authenticates and splits the handle block, overwriting sealed.
func openHandles(s secrets, scheme string, h header, sealed []byte) ([]string, error) {
	plain, err := s.aead(h.id).Open(sealed[:0], nil, sealed, h.associated(handlesBlock, s.list, scheme))
	if err != nil {
		return nil, errSealed
	}
	return splitHandles(plain, h.count)
}

// openTemplates is openHandles for templates; they point into sealed.
func openTemplates(s secrets, scheme string, h header, sealed []byte) ([][]byte, error) {
	plain, err := s.aead(h.id).Open(sealed[:0], nil, sealed, h.associated(templatesBlock, s.list, scheme))
	if err != nil {
		return nil, errSealed
	}
	return splitTemplates(plain, h.count)
}

// splitHandles reads exactly count handles. The caller has bounded count.
func splitHandles(plain []byte, count int) ([]string, error) {
	handles := make([]string, 0, count)
	for range count {
		if len(plain) == 0 || len(plain) < 1+int(plain[0]) {
			return nil, errors.New("handles are truncated")
		}
		n := int(plain[0])
		handle := string(plain[1 : 1+n])
		if err := CheckHandle(handle); err != nil {
			return nil, err
		}
		handles, plain = append(handles, handle), plain[1+n:]
	}
	if len(plain) != 0 {
		return nil, errors.New("data after the last handle")
	}
	return handles, nil
}

// splitTemplates cuts a block into count templates. The caller has bounded
// count.
func splitTemplates(plain []byte, count int) ([][]byte, error) {
	if count == 0 || len(plain) == 0 || len(plain)%count != 0 {
		return nil, errors.New("templates are not of one size")
	}
	return slices.Collect(slices.Chunk(plain, len(plain)/count)), nil
}
