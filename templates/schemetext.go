package templates

import (
	"fmt"
	"math"
	"strings"
)

// Defaults of NewIrisScheme and the like.
const (
	// DefaultAlpha and DefaultBeta with a Delta of 7/40 of the bits ask for a
	// distance of at most (1 - 2867/o)/2 with o common bits of 16 384: .344 at 9216,
	// .28 at 6500 and never a hit below 2867. So the chance of a false hit hardly
	// depends on the overlap: an impostor's distance varies with 1/sqrt(o) (Daugman
	// 2007, section 4, normalises scores for the same reason). Smaller numbers would
	// not be possible; they keep the scores of the largest codes within 16 bits.
	DefaultAlpha = 1
	DefaultBeta  = 2
	// DefaultShifts tries -15..+15 columns, +-21 degrees at 256 columns.
	DefaultShifts = 31
	// DefaultNorm keeps a score of vectors within 14 bits.
	DefaultNorm = 63
	// FingerNorm keeps a score of ten fingers within 16 bits.
	FingerNorm = 50
	// DefaultCosine is the least cosine that hits.
	DefaultCosine = 0.30
	// MinutiaeCosine is the cosine of one finger from which NewFingerScheme makes the
	// threshold of vectors of minutiae. Ten fingers then ask for a sum of cosines of
	// 2.00 and four for 1.09, just above what let one in a thousand strangers match
	// in the set in which strangers are most alike (docs/ACCURACY.md).
	MinutiaeCosine = 0.54
	// usualOverlap and strictOverlap, of 40 bits, are the overlap that Delta stands for;
	// the strict one asks for a distance of .322 at 9216 common bits of 16 384.
	usualOverlap  = 7
	strictOverlap = 8
)

// String is the canonical text of a scheme, as in
//
//	iris:16x256x2x2:shifts=31:threshold=1/2:delta=2867
//	vector:512:norm=63:theta=1191
//	fingers:2,3,7,8:512:norm=50:theta=667+211
//	eyes:16x256x2x2:shifts=31:threshold=1/2:delta=2867
//	eyes:16x256x1x2:shifts=11:threshold=1/2:delta=1433:fingers=2,7:512:norm=63:weight=4:each=300
//
// where theta of fingers is Theta+Each, and eyes are two.
func (s Scheme) String() string {
	eyes := fmt.Sprintf("%s:shifts=%d:threshold=%d/%d:delta=%d", s.Shape, s.Shifts, s.Alpha, s.Beta, s.Delta)
	switch {
	case s.Modality == ModalityIris:
		return "iris:" + eyes
	case s.Modality == ModalityVector:
		return fmt.Sprintf("vector:%d:norm=%d:theta=%d", s.Dims, s.Norm, s.Theta)
	case s.Modality == ModalityFused && s.Eyes == 0:
		return fmt.Sprintf("fingers:%s:%d:norm=%d:theta=%d+%d", s.Fingers, s.Dims, s.Norm, s.Theta, s.Each)
	case s.Modality == ModalityFused && s.Fingers == 0:
		return "eyes:" + eyes
	case s.Modality == ModalityFused:
		return fmt.Sprintf("eyes:%s:fingers=%s:%d:norm=%d:weight=%d:each=%d", eyes, s.Fingers, s.Dims, s.Norm, s.Weight, s.Each)
	}
	return s.Modality.String()
}

// ParseScheme reads the canonical text of a scheme and nothing else: a text
// that it accepts is the String of the result. Errors wrap ErrScheme.
func ParseScheme(text string) (Scheme, error) {
	bad := fail(ErrScheme, "want iris:ROWSxCOLSxFILTERSxPLANES:shifts=N:threshold=A/B:delta=N, vector:DIMS:norm=N:theta=N, "+
		"fingers:POSITIONS:DIMS:norm=N:theta=A+B or eyes: like iris, with :fingers=POSITIONS:DIMS:norm=N:weight=N:each=N behind it or not")
	if len(text) > MaxSchemeText {
		return Scheme{}, bad
	}
	kind, rest, _ := strings.Cut(text, ":")
	var s Scheme
	var err error
	// Sscanf is lenient (signs, leading zeros, text after the last number);
	// the comparison below is what makes the parser strict.
	hand := func(format string, rest string, values ...any) {
		positions, rest, _ := strings.Cut(rest, ":")
		set, ok := parseFingerSet(positions)
		if s.Fingers = set; !ok {
			err = bad
			return
		}
		_, err = fmt.Sscanf(rest, format, append([]any{&s.Dims, &s.Norm}, values...)...)
	}
	switch kind {
	case "iris", "eyes":
		s.Modality = ModalityIris
		eyes, fingers, both := strings.Cut(rest, ":fingers=")
		_, err = fmt.Sscanf(eyes, "%dx%dx%dx%d:shifts=%d:threshold=%d/%d:delta=%d",
			&s.Shape.Rows, &s.Shape.Cols, &s.Shape.Filters, &s.Shape.Planes, &s.Shifts, &s.Alpha, &s.Beta, &s.Delta)
		if kind == "eyes" {
			s.Modality, s.Eyes = ModalityFused, 2
		}
		if both && err == nil {
			hand("%d:norm=%d:weight=%d:each=%d", fingers, &s.Weight, &s.Each)
		}
	case "vector":
		s.Modality, s.Shifts = ModalityVector, 1
		_, err = fmt.Sscanf(rest, "%d:norm=%d:theta=%d", &s.Dims, &s.Norm, &s.Theta)
	case "fingers":
		s.Modality, s.Shifts, s.Weight = ModalityFused, 1, 1
		hand("%d:norm=%d:theta=%d+%d", rest, &s.Theta, &s.Each)
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

// NewIrisScheme gives the default scheme for a shape: threshold 1/2 and a Delta
// of 7/40 of the bits. Errors wrap ErrScheme.
func NewIrisScheme(shape Shape, shifts int) (Scheme, error) {
	return irisScheme(shape, shifts, usualOverlap)
}

// irisScheme has a Delta of overlap bits in 40.
func irisScheme(shape Shape, shifts, overlap int) (Scheme, error) {
	if err := shape.Validate(); err != nil {
		return Scheme{}, err
	}
	s := Scheme{
		Modality: ModalityIris, Shape: shape, Shifts: shifts, Alpha: DefaultAlpha, Beta: DefaultBeta,
		Delta: max(1, DefaultAlpha*int64(shape.Bits()*overlap/40)),
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

// NewFingerScheme gives the default scheme for fingers: norm 50, and a threshold
// of c fingers that is the tangent of cosine*50^2*sqrt(c) at sqrt(10) fingers, so
// that the chance of a false hit is nowhere greater than that of one finger at
// that cosine. Errors wrap ErrScheme.
func NewFingerScheme(fingers FingerSet, dims int, cosine float64) (Scheme, error) {
	one := cosine * FingerNorm * FingerNorm
	at := math.Sqrt(math.Sqrt(10))
	s := Scheme{
		Modality: ModalityFused, Shifts: 1, Fingers: fingers, Dims: dims, Norm: FingerNorm, Weight: 1,
		Theta: int64(math.Ceil(one * at / 2)), Each: int64(math.Ceil(one / (2 * at))),
	}
	return s, s.Validate()
}

// NewEyesScheme gives the default scheme for two eyes, which is that of one eye
// with as many bits: the common and the differing bits of both are added up. Delta
// is that of one eye, so that one is enough. Errors wrap ErrScheme.
func NewEyesScheme(shape Shape, shifts int) (Scheme, error) {
	s, err := NewIrisScheme(shape, shifts)
	s.Modality, s.Eyes = ModalityFused, 2
	return s, err
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
	made := func(name, note string) func(Scheme, error) Named {
		return func(s Scheme, err error) Named {
			if err != nil {
				panic(err)
			}
			return Named{name, s, note}
		}
	}
	full, oneWavelet, halfRows := Shape{16, 256, 2, 2}, Shape{16, 256, 1, 2}, Shape{8, 256, 2, 2}
	handful := FingersAt(2, 3, 7, 8)
	return []Named{
		made("iris-2048", "2048-bit iris code, 16 rows of 128 columns, one bit each")(NewIrisScheme(Shape{16, 128, 1, 1}, DefaultShifts)),
		made("iris-2048-8", "2048-bit iris code, 8 rows of 128 columns, real and imaginary bit")(NewIrisScheme(Shape{8, 128, 1, 2}, DefaultShifts)),
		made("iris-9600", "Masek or USIT code, 20 rows of 240 columns")(NewIrisScheme(Shape{20, 240, 1, 2}, DefaultShifts)),
		made("iris-12800", "open-iris code at 200 columns, as in iris-mpc")(NewIrisScheme(Shape{16, 200, 2, 2}, DefaultShifts)),
		made("iris-16384", "open-iris code at 256 columns, the default of its pipeline")(NewIrisScheme(full, DefaultShifts)),
		made("iris-16384-strict", "the same, threshold near .32 in place of .345")(irisScheme(full, DefaultShifts, strictOverlap)),
		made("iris-16384-s21", "the same, 10 columns either way")(NewIrisScheme(full, 21)),
		made("iris-16384-s11", "the same, 5 columns either way")(NewIrisScheme(full, 11)),
		made("iris-8192-wavelet", "the first wavelet of an open-iris code, 5 columns either way")(NewIrisScheme(oneWavelet, 11)),
		made("iris-8192-rows", "every second row of an open-iris code, 5 columns either way")(NewIrisScheme(halfRows, 11)),
		made("eyes-16384", "two open-iris codes, bits added up")(NewEyesScheme(full, DefaultShifts)),
		made("vector-128", "128-dimensional embedding at cosine .30")(NewVectorScheme(128)),
		made("vector-512", "512-dimensional embedding at cosine .30")(NewVectorScheme(512)),
		made("vector-640", "640-dimensional embedding at cosine .30")(NewVectorScheme(640)),
		made("fingers-4x512", "index and middle fingers, 512-dimensional embeddings")(NewFingerScheme(handful, 512, DefaultCosine)),
		made("fingers-10x512", "ten fingers, 512-dimensional embeddings")(NewFingerScheme(AllFingers, 512, DefaultCosine)),
		made("minutiae-10x512", "ten fingers, vectors of minutiae")(NewFingerScheme(AllFingers, 512, MinutiaeCosine)),
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
