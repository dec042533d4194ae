package templates

import (
	"fmt"
	"math"
	"strings"
)

// Defaults of NewIrisScheme and NewVectorScheme.
const (
	// DefaultAlpha and DefaultBeta make the distance threshold .32, the usual
	// choice of deployed systems (Daugman 2004, table 1).
	DefaultAlpha = 8
	DefaultBeta  = 25
	// DefaultShifts tries -15..+15 columns, +-21 degrees at 256 columns.
	DefaultShifts = 31
	// DefaultNorm keeps a score of vectors within 14 bits.
	DefaultNorm = 63
	// DefaultCosine is the least cosine that hits.
	DefaultCosine = 0.30
	// overlapShare: Delta is that of an overlap of one bit in 32.
	overlapShare = 32
)

// String is the canonical text of a scheme, as in
// "iris:16x256x2x2:shifts=31:threshold=8/25:delta=4096" or
// "vector:512:norm=63:theta=1191".
func (s Scheme) String() string {
	switch s.Modality {
	case ModalityIris:
		return fmt.Sprintf("iris:%s:shifts=%d:threshold=%d/%d:delta=%d", s.Shape, s.Shifts, s.Alpha, s.Beta, s.Delta)
	case ModalityVector:
		return fmt.Sprintf("vector:%d:norm=%d:theta=%d", s.Dims, s.Norm, s.Theta)
	}
	return s.Modality.String()
}

// ParseScheme reads the canonical text of a scheme and nothing else: a text
// that it accepts is the String of the result. Errors wrap ErrScheme.
func ParseScheme(text string) (Scheme, error) {
	bad := fail(ErrScheme, "want iris:ROWSxCOLSxFILTERSxPLANES:shifts=N:threshold=A/B:delta=N or vector:DIMS:norm=N:theta=N")
	if len(text) > MaxSchemeText {
		return Scheme{}, bad
	}
	kind, rest, _ := strings.Cut(text, ":")
	var s Scheme
	var err error
	// Sscanf is lenient (signs, leading zeros, text after the last number);
	// the comparison below is what makes the parser strict.
	switch kind {
	case "iris":
		s.Modality = ModalityIris
		_, err = fmt.Sscanf(rest, "%dx%dx%dx%d:shifts=%d:threshold=%d/%d:delta=%d",
			&s.Shape.Rows, &s.Shape.Cols, &s.Shape.Filters, &s.Shape.Planes, &s.Shifts, &s.Alpha, &s.Beta, &s.Delta)
	case "vector":
		s.Modality, s.Shifts = ModalityVector, 1
		_, err = fmt.Sscanf(rest, "%d:norm=%d:theta=%d", &s.Dims, &s.Norm, &s.Theta)
	default:
		return Scheme{}, bad
	}
	if err != nil || s.String() != text {
		return Scheme{}, bad
	}
	if err := s.Validate(); err != nil {
		return Scheme{}, err
	}
	return s, nil
}

// NewIrisScheme gives the default scheme for a shape: threshold 8/25 and a Delta
// of Alpha*Bits/32. Errors wrap ErrScheme.
func NewIrisScheme(shape Shape, shifts int) (Scheme, error) {
	if err := shape.Validate(); err != nil {
		return Scheme{}, err
	}
	s := Scheme{
		Modality: ModalityIris, Shape: shape, Shifts: shifts, Alpha: DefaultAlpha, Beta: DefaultBeta,
		Delta: max(1, DefaultAlpha*int64(shape.Bits())/overlapShare),
	}
	return s, s.Validate()
}

// NewVectorScheme gives the default scheme for vectors: norm 63, cosine .30.
// Errors wrap ErrScheme.
func NewVectorScheme(dims int) (Scheme, error) {
	s := Scheme{
		Modality: ModalityVector, Shifts: 1, Dims: dims, Norm: DefaultNorm,
		Theta: int64(math.Round(DefaultCosine * DefaultNorm * DefaultNorm)),
	}
	return s, s.Validate()
}

// Named is a scheme with a short name.
type Named struct {
	Name   string
	Scheme Scheme
	// Note says in a sentence what the scheme is for.
	Note string
}

// Schemes lists the named schemes. The caller owns the slice.
func Schemes() []Named {
	iris := func(name string, shape Shape, note string) Named {
		s, err := NewIrisScheme(shape, DefaultShifts)
		if err != nil {
			panic(err)
		}
		return Named{name, s, note}
	}
	vector := func(name string, dims int, note string) Named {
		s, err := NewVectorScheme(dims)
		if err != nil {
			panic(err)
		}
		return Named{name, s, note}
	}
	return []Named{
		iris("iris-2048", Shape{16, 128, 1, 1}, "2048-bit iris code, 16 rows of 128 columns, one bit each"),
		iris("iris-2048-8", Shape{8, 128, 1, 2}, "2048-bit iris code, 8 rows of 128 columns, real and imaginary bit"),
		iris("iris-12800", Shape{16, 200, 2, 2}, "open-iris code at 200 columns, as in iris-mpc"),
		iris("iris-16384", Shape{16, 256, 2, 2}, "open-iris code at 256 columns, the default of its pipeline"),
		vector("vector-128", 128, "128-dimensional embedding at cosine .30"),
		vector("vector-512", 512, "512-dimensional embedding at cosine .30"),
		vector("vector-640", 640, "640-dimensional embedding at cosine .30"),
	}
}

// SchemeByName gives the scheme of a name in Schemes or of a canonical text.
// Errors wrap ErrScheme.
func SchemeByName(nameOrText string) (Scheme, error) {
	var names []string
	for _, n := range Schemes() {
		if n.Name == nameOrText {
			return n.Scheme, nil
		}
		names = append(names, n.Name)
	}
	if strings.Contains(nameOrText, ":") {
		return ParseScheme(nameOrText)
	}
	return Scheme{}, fail(ErrScheme, "no scheme of that name; give one of %s or a scheme written out", strings.Join(names, ", "))
}
