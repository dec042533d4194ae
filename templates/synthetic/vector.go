package synthetic

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/puente-project/puente/templates"
)

// Embedding says how much captures of one finger have in common. The package comment
// has the distributions.
type Embedding uint8

const (
	// Learned vectors, as of a trained network: cosine .70 +- .05 within a finger.
	Learned Embedding = iota
	// Minutiae vectors, as made of minutiae without training: cosine .20 +- .13.
	Minutiae
)

// String is the name in lower case.
func (e Embedding) String() string {
	switch e {
	case Learned:
		return "learned"
	case Minutiae:
		return "minutiae"
	}
	return "embedding " + strconv.Itoa(int(e))
}

// Mean and standard deviation of the cosine of two captures.
const (
	learnedCosine, learnedSpread   = 0.70, 0.05
	minutiaeCosine, minutiaeSpread = 0.20, 0.13
)

// share draws the cosine between a capture and the finger itself, of which the cosine
// of two captures is the product. With mean m and deviation s of either, the product
// has mean m^2 and variance 2*m^2*s^2 + s^4. Chance adds nearly 1/dims to the
// variance, which the spread of Minutiae includes and that of Learned does not.
func (e Embedding) share(r *rand.ChaCha8, dims int) float64 {
	cosine, variance, low, high := learnedCosine, learnedSpread*learnedSpread, math.Sqrt(0.5), math.Sqrt(0.9)
	if e == Minutiae {
		chance := (1 - minutiaeCosine*minutiaeCosine) / float64(dims)
		cosine, variance, low, high = minutiaeCosine, max(minutiaeSpread*minutiaeSpread-chance, 0), 0, 1
	}
	deviation := math.Sqrt(math.Sqrt(float64(cosine*cosine)+variance) - cosine)
	return min(max(math.Sqrt(cosine)+float64(deviation*normal(r)), low), high)
}

// enrolledVector draws the vector with which a finger was enrolled.
func (p *Population) enrolledVector(what kind, i, finger int) templates.Vector {
	return p.quantise(normals(p.stream(what, i, finger), p.scheme.Dims))
}

// genuineVector draws another capture. The finger itself has its share in common with
// the enrolled vector, of which it is made, and with the new one.
func (p *Population) genuineVector(i, finger, k int) templates.Vector {
	v := normals(p.stream(kindPerson, i, finger), p.scheme.Dims)
	p.mix(p.stream(kindFinger, i, finger), v)
	p.mix(p.stream(kindCapture, i, finger, k), v)
	return p.quantise(v)
}

// mix replaces a vector by one of about the same length at the angle of a capture.
func (p *Population) mix(r *rand.ChaCha8, v []float64) {
	cos := p.Embedding.share(r, p.scheme.Dims)
	sin := math.Sqrt(1 - float64(cos*cos))
	for j, w := range normals(r, p.scheme.Dims) {
		// The conversions rule out fused operations, which round differently.
		v[j] = float64(cos*v[j]) + float64(sin*w)
	}
}

// normals draws a vector of independent normal coordinates.
func normals(r *rand.ChaCha8, dims int) []float64 {
	v := make([]float64, dims)
	for i := range v {
		v[i] = normal(r)
	}
	return v
}

func (p *Population) quantise(v []float64) templates.Vector {
	t, err := templates.Quantise(v, p.scheme.Norm)
	if err != nil {
		// New has ruled out norms at which a random vector vanishes.
		panic(err)
	}
	return t
}
