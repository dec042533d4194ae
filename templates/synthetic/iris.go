package synthetic

import (
	"math/bits"
	"math/rand/v2"

	"github.com/puente-project/puente/templates"
)

const (
	// weakness is how many times as often weak bits flip from capture to capture.
	weakness = 4
	// arc is after how much of the circumference it is drawn anew, on average, whether
	// a capture shows a band.
	arc = 1.0 / 32
)

// enrolledIris draws an eye and the mask with which it was enrolled.
func (p *Population) enrolledIris(i, eye int) *templates.Iris {
	m := p.iris
	return m.finish(m.code(p.stream(kindPerson, i, eye)), m.mask(p.stream(kindMask, i, eye), entryUsable))
}

// strangerIris draws an eye and a mask of the population's quality.
func (p *Population) strangerIris(i, eye int) *templates.Iris {
	m, d := p.iris, p.Quality.distribution()
	return m.finish(m.code(p.stream(kindStranger, i, eye)), m.mask(p.stream(kindStrangerMask, i, eye), d.usable))
}

// genuineIris draws capture k of an eye.
func (p *Population) genuineIris(i, eye, k int) *templates.Iris {
	m, d := p.iris, p.Quality.distribution()
	code := m.code(p.stream(kindPerson, i, eye))
	r := p.stream(kindCapture, i, eye, k)
	share := d.share(r)
	flips := min(share, d.flips)
	if share > flips {
		// Half of what is replaced differs, whether bits of it are flipped or not.
		m.replace(r, code, (share-flips)/(0.5-flips))
	}
	m.disturb(r, code, flips)
	return m.finish(code, m.mask(r, d.usable)).Rotate(p.roll(i, k))
}

// roll is by how many columns the head is tilted at capture k, which both eyes
// share. It is the difference of two uniform numbers: small angles are more likely.
func (p *Population) roll(i, k int) int {
	r := p.stream(kindRoll, i, k)
	n := uint64(max(p.MaxRoll, 0) + 1)
	// The bias of the remainder is far below anything that could be noticed.
	left := r.Uint64() % n
	return int(left) - int(r.Uint64()%n)
}

// replace puts arcs of another eye in the place of about the given share of a code,
// band by band: what blurs or covers an iris has a texture too, after filtering, so
// that a capture is as far from strangers as the entry is.
func (m *irisModel) replace(r *rand.ChaCha8, code []uint64, share float64) {
	other := m.code(r)
	on, end := probability(share), probability(1/(arc*float64(m.shape.Cols)))
	gone, replaced := bernoulli(r, on), uint64(0)
	lines := make([]uint64, m.width)
	for col := range m.shape.Cols {
		toggle(lines, m.first, (gone^replaced)&m.all)
		toggle(lines, m.second, (gone^replaced)&m.all)
		for i, l := range lines {
			at := col*m.width + i
			code[at] ^= (code[at] ^ other[at]) & l
		}
		ends := bernoulli(r, end)
		gone, replaced = gone&^ends|bernoulli(r, on)&ends, gone
	}
}

// weak gives the bits that differ from the one before or after in their line.
func (m *irisModel) weak(code []uint64) []uint64 {
	n := len(code)
	weak := make([]uint64, n)
	for i, w := range code {
		before, after := i-m.width, i+m.width
		if before < 0 {
			before += n
		}
		if after >= n {
			after -= n
		}
		weak[i] = (w ^ code[before]) | (w ^ code[after])
	}
	return weak
}

// disturb flips bits of a code so that about the given share, at most half, of all
// differs. Weak bits flip weakness times as often as others until they are random.
func (m *irisModel) disturb(r *rand.ChaCha8, code []uint64, share float64) {
	weak := m.weak(code)
	n := 0
	for _, w := range weak {
		n += bits.OnesCount64(w)
	}
	weakShare := float64(n) / float64(m.shape.Bits())
	onStrong := share / (1 + float64((weakness-1)*weakShare))
	onWeak := weakness * onStrong
	if onWeak > 0.5 && weakShare < 1 {
		onWeak = 0.5
		onStrong = (share - float64(onWeak*weakShare)) / (1 - weakShare)
	}
	strong, often := probability(onStrong), probability(onWeak)
	for i, w := range weak {
		code[i] ^= bernoulli(r, strong)&^w | bernoulli(r, often)&w
	}
	for i := m.width - 1; i < len(code); i += m.width {
		code[i] &= m.last
	}
}

// finish makes the template.
func (m *irisModel) finish(code, mask []uint64) *templates.Iris {
	t, err := templates.NewIrisColumns(m.shape, m.pack(code), mask)
	if err != nil {
		// The model makes nothing but words of the right number and place.
		panic(err)
	}
	return t
}
