package minutiae

import (
	"errors"
	"strings"
	"testing"
)

// TestType9Faults: a transaction with one thing wrong is refused for that.
func TestType9Faults(t *testing.T) {
	one := func(fields []string, field string) []byte {
		return transaction([]part{type9(swap(fields, field)...)})
	}
	without := func(fields []string, number string) []byte {
		var kept []string
		for _, f := range fields {
			if !strings.HasPrefix(f, number) {
				kept = append(kept, f)
			}
		}
		return transaction([]part{type9(kept...)})
	}
	whole := string(transaction([]part{imageRecord, type9(standardFields...)}))
	replace := func(old, new string) []byte {
		if strings.Count(whole, old) != 1 || len(old) != len(new) {
			t.Fatalf("%q is there %d times", old, strings.Count(whole, old))
		}
		return []byte(strings.Replace(whole, old, new, 1))
	}
	minutiae := func(n int) string { return "9.331:" + strings.Repeat("1/1/1/E|", n-1) + "1/1/1/E" }
	several := func(n int, fields []string) (parts []part) {
		for range n {
			parts = append(parts, type9(fields...))
		}
		return parts
	}
	for _, tt := range []struct {
		name  string
		data  []byte
		class error
		want  string
	}{
		// The transaction.
		{"cut in the Type-1 record", []byte(whole[:20]), ErrFormat, "record 1 (Type-1) is longer than the rest"},
		{"cut in the last record", []byte(whole[:len(whole)-1]), ErrFormat, "record 3 (Type-9) is longer than the rest of the file"},
		{"last record missing", []byte(whole[:len(whole)-len(type9(standardFields...).data)]), ErrFormat, "record 3 (Type-9) does not begin"},
		{"cut in a binary length", []byte(whole[:strings.Index(whole, "\x1c\x00")+3]), ErrFormat, "record 2 (Type-4) ends within its length"},
		{"binary length", replace("\x00\x00\x00\x16", "\x00\x00\x00\x03"), ErrFormat, "record 2 (Type-4) states a length that is none"},
		{"huge binary length", replace("\x00\x00\x00\x16", "\xff\xff\xff\xff"), ErrFormat, "record 2 (Type-4) is longer"},
		{"binary length of one byte less", replace("\x00\x00\x00\x16", "\x00\x00\x00\x15"), ErrFormat, "record 3 (Type-9) does not begin with its length"},
		{"no length", []byte("1.001:\x1d1.003:\x1c"), ErrFormat, "record 1 (Type-1) does not begin"},
		{"length of nine digits", []byte("1.001:000000030\x1d1.003:1\x1f0\x1c"), ErrFormat, "record 1 (Type-1) does not begin"},
		{"length too short", []byte("1.001:7\x1d1.003:1\x1f0\x1c"), ErrFormat, "record 1 (Type-1) states a length that is none"},
		{"length into a field", []byte("1.001:12\x1d1.003:1\x1f0\x1c"), ErrFormat, "record 1 (Type-1) does not end where its length says"},
		{"no contents", []byte(text(1, "1.002:0500").data), ErrFormat, "field 1.003 does not count"},
		{"wrong count", replace("1.003:1\x1f2", "1.003:1\x1f3"), ErrFormat, "field 1.003 does not count"},
		{"wrong first entry", replace("1.003:1\x1f2", "1.003:2\x1f2"), ErrFormat, "field 1.003 does not count"},
		{"entry without a type", replace("\x1e4\x1f", "\x1ex\x1f"), ErrFormat, "entry 2 of field 1.003"},
		{"second Type-1 record", replace("\x1e4\x1f", "\x1e1\x1f"), ErrFormat, "entry 2 of field 1.003"},
		{"wrong type", replace("\x1e9\x1f", "\x1e2\x1f"), ErrFormat, "record 3 (Type-2) does not begin"},
		{"more data behind", []byte(whole + "x"), ErrFormat, "more data follow the transaction"},
		{"two transactions", []byte(whole + whole), ErrFormat, "more data follow the transaction"},
		{"images alone", transaction([]part{imageRecord, latentRecord}), ErrFormat, "no Type-9 record"},
		{"many records", transaction(several(MaxViews+1, extendedFields)), ErrTooLarge, "177 Type-9 records"},
		{"views of one finger", transaction(several(17, extendedFields)), ErrFormat, "view 17 of 17: unreadable minutiae: view number 16"},
		// Fields.
		{"text before a field", one(standardFields, "nothing"), ErrFormat, "record 2 (Type-9) has a field without a number"},
		{"number of one digit", one(standardFields, "9.7:12"), ErrFormat, "record 2 (Type-9) has a field without a number"},
		{"twice", transaction([]part{type9(append(standardFields, "9.10:3")...)}), ErrFormat, "two fields 9.010"},
		{"no impression", without(standardFields, "9.003"), ErrFormat, "view 1 of 1: unreadable minutiae: field 9.003"},
		{"impression of a foot", one(standardFields, "9.003:30"), ErrFormat, "field 9.003"},
		{"fields of a vendor", without(standardFields, "9.01"), ErrFormat, "neither field 9.331 nor 9.010"},
		{"no position", without(standardFields, "9.006"), ErrFormat, "field 9.006"},
		{"four fingers", one(standardFields, "9.006:13"), ErrFormat, "field 9.006"},
		{"finger and palm", one(standardFields, "9.006:1|21"), ErrFormat, "field 9.006"},
		// The standard form.
		{"count", one(standardFields, "9.010:4"), ErrFormat, "counts 4 minutiae, field 9.012 has 3"},
		{"no count", one(standardFields, "9.010:"), ErrFormat, "field 9.010 is not"},
		{"none but counted", without(standardFields, "9.012"), ErrFormat, "minutia 1 of 1"},
		{"ten digits", one(standardFields, "9.012:1/0001000100|2"), ErrFormat, "minutia 1 of 2: unreadable minutiae: its second item"},
		{"one item", one(standardFields, "9.012:1"), ErrFormat, "minutia 1 of 1: unreadable minutiae: its second item"},
		{"letters", one(standardFields, "9.012:1/0001000a001"), ErrFormat, "other characters"},
		{"angle", one(standardFields, "9.012:1/00010001360"), ErrFormat, "not below 360"},
		{"type", one(standardFields, "9.012:1/00010001359/0/E"), ErrFormat, "none of A, B, C and D"},
		// The extended feature set.
		{"no position of the extended set", without(extendedFields, "9.302"), ErrFormat, "field 9.302"},
		{"palm", one(extendedFields, "9.302:21"), ErrFormat, "field 9.302"},
		{"no region", without(extendedFields, "9.300"), ErrFormat, "field 9.300"},
		{"region without height", one(extendedFields, "9.300:1000"), ErrFormat, "field 9.300"},
		{"empty region", one(extendedFields, "9.300:1000/0"), ErrFormat, "field 9.300"},
		{"large region", one(extendedFields, "9.300:50000/1000"), ErrFormat, "field 9.300"},
		{"x at the width", one(extendedFields, "9.331:1000/1/1/E"), ErrFormat, "minutia 1 of 1: unreadable minutiae: it lies outside"},
		{"y at the height", one(extendedFields, "9.331:1/1/1/E|1/2000/1/E"), ErrFormat, "minutia 2 of 2: unreadable minutiae: it lies outside"},
		{"negative", one(extendedFields, "9.331:-1/1/1/E"), ErrFormat, "it lies outside"},
		{"angle of the extended set", one(extendedFields, "9.331:1/1/361/E"), ErrFormat, "up to 360"},
		{"type of the extended set", one(extendedFields, "9.331:1/1/1/A"), ErrFormat, "none of E, B and X"},
		{"three items", one(extendedFields, "9.331:1/1/1"), ErrFormat, "3 items"},
		{"seven items", one(extendedFields, "9.331:1/1/1/E/1/1/1"), ErrFormat, "7 items"},
		{"empty field", one(extendedFields, "9.331:"), ErrFormat, "minutia 1 of 1"},
		{"minutiae", one(extendedFields, minutiae(MaxMinutiae+1)), ErrTooLarge, "1001 minutiae"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			views, err := Decode(tt.data, Options{})
			if !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if views != nil {
				t.Error("views beside an error")
			}
		})
	}
	for _, data := range [][]byte{[]byte(whole), one(extendedFields, minutiae(MaxMinutiae)), one(extendedFields, "9.300:49999/49999"), transaction(several(16, extendedFields))} {
		views, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkViews(t, data, views)
	}
}
