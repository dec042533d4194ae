package minutiae

import "strings"

// extended reads the extended feature set (ANSI/NIST-ITL 1-2011, 8.9.7). Positions
// count from the top left of the region of interest, field 9.300, and lie within
// it. The angle bisects the smallest of the three between the valleys at an ending
// or the ridges at a bifurcation, counter-clockwise from the right: the direction
// of ISO/IEC 19794-2. A print that field 9.315 calls reversed is read as it lies.
func (v *View) extended(fields itlFields) error {
	if err := v.position(fields["302"], "9.302"); err != nil {
		return err
	}
	region := strings.Split(fields["300"], itlItem)
	var side [2]int
	for i := range side {
		ok := false
		if i < len(region) {
			side[i], ok = natural(region[i])
		}
		if !ok || side[i] < 1 || side[i] > maxRegion {
			return fail(ErrFormat, "field 9.300 has no width and height of 1 to %d units of 0.01 mm", maxRegion)
		}
	}
	// Thus the last position is the last pixel.
	v.Width, v.Height = pixels(side[0]-1)+1, pixels(side[1]-1)+1
	text, given := fields["331"]
	if !given {
		// Field 9.334 tells that there are none.
		return nil
	}
	return v.subfields(text, func(items []string) (Minutia, error) {
		if len(items) < 4 || len(items) > 6 {
			return Minutia{}, fail(ErrFormat, "it has %d items instead of 4 to 6", len(items))
		}
		x, okX := natural(items[0])
		y, okY := natural(items[1])
		angle, ok := natural(items[2])
		kind, known := map[string]Kind{"E": Ending, "B": Bifurcation, "X": Other}[items[3]]
		switch {
		case !okX || !okY || x >= side[0] || y >= side[1]:
			return Minutia{}, fail(ErrFormat, "it lies outside the region of interest of %d x %d units of 0.01 mm", side[0], side[1])
		case !ok || angle > 360:
			// The standard ends at 359; NIST's own sample has 360.
			return Minutia{}, fail(ErrFormat, "its angle is not a number of degrees up to 360")
		case !known:
			return Minutia{}, fail(ErrFormat, "its type is none of E, B and X")
		}
		return Minutia{X: pixels(x), Y: pixels(y), Angle: radians(angle), Kind: kind}, nil
	})
}

// standard reads fields 9.006, 9.010 and 9.012 (ANSI/NIST-ITL 1-2000, Type-9). The
// angle points away from the ridge and y counts upwards, as an2k2fmr in NIST's
// BiomDI converts them. The height of the image is not in the record, so the top is
// put at the highest minutia: only differences of coordinates have a meaning. The
// quality, on a scale of its own, is not taken over.
func (v *View) standard(fields itlFields) error {
	if err := v.position(fields["006"], "9.006"); err != nil {
		return err
	}
	count, ok := natural(fields["010"])
	if !ok {
		return fail(ErrFormat, "field 9.010 is not a number of minutiae")
	}
	if count == 0 && fields["012"] == "" {
		return nil
	}
	top := 0
	err := v.subfields(fields["012"], func(items []string) (Minutia, error) {
		if len(items) < 2 || len(items[1]) != 11 {
			return Minutia{}, fail(ErrFormat, "its second item does not have 4 digits for x, 4 for y and 3 for the angle")
		}
		x, okX := natural(items[1][:4])
		y, okY := natural(items[1][4:8])
		angle, ok := natural(items[1][8:])
		if !okX || !okY || !ok || angle >= 360 {
			return Minutia{}, fail(ErrFormat, "its second item has other characters than digits or an angle that is not below 360")
		}
		m := Minutia{X: pixels(x), Y: y, Angle: radians(angle + 180)}
		if len(items) > 3 {
			// C is a trifurcation or crossing, D not determined.
			var known bool
			if m.Kind, known = map[string]Kind{"A": Ending, "B": Bifurcation, "C": Other, "D": Other}[items[3]]; !known {
				return Minutia{}, fail(ErrFormat, "its type is none of A, B, C and D")
			}
		}
		top = max(top, y)
		return m, nil
	})
	if err != nil {
		return err
	}
	if len(v.Minutiae) != count {
		return fail(ErrFormat, "field 9.010 counts %d minutiae, field 9.012 has %d", count, len(v.Minutiae))
	}
	for i := range v.Minutiae {
		v.Minutiae[i].Y = pixels(top - v.Minutiae[i].Y)
	}
	return nil
}
