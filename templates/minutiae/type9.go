package minutiae

import (
	"fmt"
	"math"
	"strings"
)

// decodeType9 reads the Type-9 records of a transaction in the traditional
// encoding, one view for each. A record has its minutiae in field 9.331 (extended
// feature set, ANSI/NIST-ITL 1-2011 and later) or in 9.012 (1-2000 and 1-2007); if
// both are there, the first is taken. Fields of vendors are not read.
//
// Both count in units of 0.01 mm; views have pixels at 500 dpi, whatever images lie
// beside them.
func decodeType9(data []byte) ([]View, error) {
	records, err := type9Records(data)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(records))
	var seen [maxFinger + 1]int
	for i, fields := range records {
		v := &views[i]
		*v = View{Format: Type9, Quality: QualityNotReported, ResX: dpi500, ResY: dpi500, Minutiae: []Minutia{}}
		err := v.type9(fields)
		if err == nil {
			// Records do not number the views of one finger.
			v.Number = seen[v.Finger]
			seen[v.Finger]++
			err = v.check()
		}
		if err != nil {
			return nil, fmt.Errorf("view %d of %d: %w", i+1, len(records), err)
		}
	}
	return views, nil
}

func (v *View) type9(fields itlFields) error {
	impression, ok := natural(fields["003"])
	if !ok || impression > maxImpression {
		return fail(ErrFormat, "field 9.003 is no impression type of a finger (0 to %d)", maxImpression)
	}
	v.Impression = uint8(impression)
	_, extended := fields["331"]
	switch _, standard := fields["010"]; {
	case extended || fields["334"] == "Y":
		return v.extended(fields)
	case standard:
		return v.standard(fields)
	}
	return fail(ErrFormat, "it has neither field 9.331 nor 9.010 and 9.012; convert the minutiae of a vendor's fields to one of them")
}

// position reads a finger position from the subfields of a field. Several, which an
// examiner can give to a latent print, are the unknown one.
func (v *View) position(field, number string) error {
	positions := strings.Split(field, itlSubfield)
	for _, p := range positions {
		code, _, _ := strings.Cut(p, itlItem)
		n, ok := natural(code)
		switch {
		case n == plainRightThumb:
			n = 1
		case n == plainLeftThumb:
			n = 6
		}
		if !ok || n > maxFinger {
			return fail(ErrFormat, "field %s is no position of a single finger (0 to %d)", number, maxFinger)
		}
		if v.Finger = Finger(n); len(positions) > 1 {
			v.Finger = 0
		}
	}
	return nil
}

// subfields reads a minutia of each subfield.
func (v *View) subfields(text string, read func(items []string) (Minutia, error)) error {
	n := strings.Count(text, itlSubfield) + 1
	if n > MaxMinutiae {
		return fail(ErrTooLarge, "it has %d minutiae, more than %d", n, MaxMinutiae)
	}
	v.Minutiae = make([]Minutia, 0, n)
	for s := range strings.SplitSeq(text, itlSubfield) {
		m, err := read(strings.Split(s, itlItem))
		if err != nil {
			return fmt.Errorf("minutia %d of %d: %w", len(v.Minutiae)+1, n, err)
		}
		v.Minutiae = append(v.Minutiae, m)
	}
	return nil
}

// pixels turns units of 0.01 mm to pixels at 500 dpi, rounded.
func pixels(units int) int { return (units*dpi500 + 500) / 1000 }

// radians takes degrees beyond the circle, too.
func radians(degrees int) float64 { return 2 * math.Pi * float64(degrees%360) / 360 }
