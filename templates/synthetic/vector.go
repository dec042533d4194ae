package synthetic

import (
	"math"
	"math/rand/v2"

	"github.com/puente-project/puente/templates"
)

const (
	genuineCosine = 0.70
	genuineSpread = 0.05
)

// normals draws a vector of independent normal coordinates.
func normals(r *rand.ChaCha8, dims int) []float64 {
	v := make([]float64, dims)
	for i := range v {
		v[i] = normal(r)
	}
	return v
}

// genuineVector mixes the person's vector with another one of about the same
// length.
func (p *Population) genuineVector(i, k int) templates.Template {
	v := normals(p.stream(kindPerson, i, 0), p.scheme.Dims)
	r := p.stream(kindCapture, i, k)
	cos := min(max(genuineCosine+float64(genuineSpread*normal(r)), 0.5), 0.9)
	sin := math.Sqrt(1 - float64(cos*cos))
	for j, w := range normals(r, p.scheme.Dims) {
		// The conversions rule out fused operations, which round differently.
		v[j] = float64(cos*v[j]) + float64(sin*w)
	}
	return p.quantise(v)
}

func (p *Population) quantise(v []float64) templates.Template {
	t, err := templates.Quantise(v, p.scheme.Norm)
	if err != nil {
		// New has ruled out norms at which a random vector vanishes.
		panic(err)
	}
	return t
}
