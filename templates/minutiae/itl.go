package minutiae

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// Separators of the traditional encoding (ANSI/NIST-ITL 1-2011, Annex B).
const (
	itlRecord   = '\x1c' // FS ends a record of text
	itlField    = "\x1d" // GS between fields
	itlSubfield = "\x1e" // RS between subfields
	itlItem     = "\x1f" // US between the items of a subfield
)

// itlFields are the fields of one record by their number of three digits.
type itlFields map[string]string

// isTransaction tells whether data begin with the length of a Type-1 record.
// Two digits for the number of a field are of the edition of 1993.
func isTransaction(data []byte) bool {
	return bytes.HasPrefix(data, []byte("1.001:")) || bytes.HasPrefix(data, []byte("1.01:"))
}

// type9Records gives the Type-9 records of a transaction in their order. The
// Type-1 record in front names all others in its field 1.003; each is passed over
// by the length that it states itself, so that no byte of an image is taken for a
// separator.
func type9Records(data []byte) ([]itlFields, error) {
	length, err := itlLength(data, "1")
	if err != nil {
		return nil, fail(ErrFormat, "record 1 (Type-1) %v", err)
	}
	first, err := parseFields(data[:length], "1")
	if err != nil {
		return nil, fail(ErrFormat, "record 1 (Type-1) %v", err)
	}
	kinds, err := contents(first["003"])
	if err != nil {
		return nil, err
	}
	// All lengths are checked before any record is read.
	at := length
	var found []itlFields
	var bodies [][]byte
	var numbers []int
	for i, kind := range kinds {
		if length, err = itlLength(data[at:], kind); err != nil {
			return nil, fail(ErrFormat, "record %d (Type-%s) %v", i+2, kind, err)
		}
		if kind == "9" {
			bodies, numbers = append(bodies, data[at:at+length]), append(numbers, i+2)
		}
		at += length
	}
	if len(bytes.Trim(data[at:], "\x00")) > 0 {
		return nil, fail(ErrFormat, "more data follow the transaction after %d bytes; split the file", at)
	}
	switch {
	case len(bodies) == 0:
		return nil, fail(ErrFormat, "the transaction has no Type-9 record; extract the minutiae of its images first")
	case len(bodies) > MaxViews:
		return nil, fail(ErrTooLarge, "the transaction has %d Type-9 records, more than %d", len(bodies), MaxViews)
	}
	for i, body := range bodies {
		fields, err := parseFields(body, "9")
		if err != nil {
			return nil, fail(ErrFormat, "record %d (Type-9) %v", numbers[i], err)
		}
		found = append(found, fields)
	}
	return found, nil
}

// contents reads the types of the records behind the first from field 1.003:
// a subfield for the Type-1 record and the number of the others, then one for
// each with its type and its designation.
func contents(field string) ([]string, error) {
	subfields := strings.Split(field, itlSubfield)
	var kinds []string
	for _, s := range subfields[1:] {
		kind, _, ok := strings.Cut(s, itlItem)
		n, number := natural(kind)
		if !ok || !number || n < 2 || n > maxRecordType {
			return nil, fail(ErrFormat, "record 1 (Type-1): entry %d of field 1.003 names no type of record", len(kinds)+2)
		}
		kinds = append(kinds, strconv.Itoa(n))
	}
	kind, count, _ := strings.Cut(subfields[0], itlItem)
	if n, ok := natural(count); kind != "1" || !ok || n != len(kinds) {
		return nil, fail(ErrFormat, "record 1 (Type-1): field 1.003 does not count its records right")
	}
	return kinds, nil
}

// itlFault completes the sentence "record n ...".
type itlFault string

func (f itlFault) Error() string { return string(f) }

// itlLength reads the length in bytes of the record of the given type with which
// data begin and checks that it is all there. Records of Type-3 to Type-8 are
// binary and begin with their length in four bytes, all others with the text of
// their first field.
func itlLength(data []byte, kind string) (int, error) {
	var length int
	if len(kind) == 1 && kind >= "3" && kind <= "8" {
		if len(data) < 4 {
			return 0, itlFault("ends within its length; the file was cut short")
		}
		length = int(binary.BigEndian.Uint32(data))
		if length < 4 {
			return 0, itlFault("states a length that is none")
		}
	} else {
		// 16 bytes hold a type of two digits and a length of eight.
		text, _, ended := strings.Cut(string(data[:min(len(data), 16)]), itlField)
		name, value, _ := strings.Cut(text, ":")
		n, ok := decimal(value, 8)
		if !ended || !ok || name != kind+".001" && name != kind+".01" {
			return 0, itlFault("does not begin with its length, field " + kind + ".001; the file is damaged or a record before it states a wrong length")
		}
		if length = n; length <= len(text) {
			return 0, itlFault("states a length that is none")
		}
	}
	if length > len(data) {
		return 0, itlFault("is longer than the rest of the file; the file was cut short")
	}
	return length, nil
}

// parseFields reads a record of text. A field with the number of another type
// (NIST's own sample has one) is passed over.
func parseFields(record []byte, kind string) (itlFields, error) {
	if record[len(record)-1] != itlRecord {
		return nil, itlFault("does not end where its length says")
	}
	fields := itlFields{}
	for _, text := range strings.Split(string(record[:len(record)-1]), itlField) {
		name, value, ok := strings.Cut(text, ":")
		of, number, dot := strings.Cut(name, ".")
		_, isType := natural(of)
		if _, isNumber := natural(number); !ok || !dot || !isType || !isNumber || len(number) < 2 {
			return nil, itlFault("has a field without a number")
		}
		if of != kind {
			continue
		}
		if len(number) == 2 {
			number = "0" + number
		}
		if _, twice := fields[number]; twice {
			return nil, itlFault("has two fields " + kind + "." + number)
		}
		fields[number] = value
	}
	return fields, nil
}
