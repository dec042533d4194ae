package minutiae

import (
	"cmp"
	"math"
	"slices"
)

const (
	// reach is the distance in pixels at 500 dpi (12.7 mm) up to which two
	// minutiae make a pair. On the test data 150 costs accuracy, and more than 250
	// brings none.
	reach = 250
	// period is by how much the root of a distance, in pixels at 500 dpi, grows
	// until the first harmonic repeats.
	period = 10
	// unreported is the quality of a minutia of which none is reported. It has a
	// meaning only beside reported ones: a common factor does not change vectors.
	unreported = 50
	// bandwidth is above every number of every harmonic that is used.
	bandwidth = 16
)

// point is a minutia at 500 dpi, y upwards.
type point struct {
	x, y   float64
	half   wave // half the direction
	weight float64
}

// harmonic is a frequency in the space of pairs. A pair with distance d, mean
// direction p against the joining line and difference q of the directions has
// there the value
//
//	exp(i*m*2*pi*sqrt(d)/period) * exp(i*s*p) * (cos(t*q/2) or, for odd t, sin(t*q/2))
//
// where s and t are both even or both odd. That is the general harmonic
// exp(i*(a*alpha + b*beta)) of the two directions alpha and beta against the line,
// with s = a+b and t = b-a, summed over the two orders of the pair, up to a
// constant factor.
type harmonic struct{ m, s, t int }

// energy orders harmonics by how much they suffer from errors of measurement: it
// is proportional to the variance of the phase, with directions less certain
// than roots of distances in units of their period, and the joining line adding
// its own error to s.
func (h harmonic) energy() int { return 4*h.m*h.m + 3*h.s*h.s + 2*h.t*h.t }

// harmonics gives the n harmonics of lowest energy: of each conjugate pair one,
// and none that is always zero. Those without distance are left out because they
// hold the class of the pattern, which many fingers share, and those of distance
// alone because they hold the size of the print.
func harmonics(n int) []harmonic {
	var all []harmonic
	for m := 1; m < bandwidth; m++ {
		for s := 1 - bandwidth; s < bandwidth; s++ {
			for t := (s + bandwidth) % 2; t < bandwidth; t += 2 {
				if s != 0 || t != 0 {
					all = append(all, harmonic{m, s, t})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b harmonic) int {
		return cmp.Or(cmp.Compare(a.energy(), b.energy()), cmp.Compare(a.m, b.m), cmp.Compare(a.s, b.s), cmp.Compare(a.t, b.t))
	})
	return all[:n]
}

// spectrum sums the values of all pairs of points at every harmonic. The
// products are of waves only, no angle is ever computed.
func spectrum(points []point, hs []harmonic) []wave {
	sums := make([]wave, len(hs))
	var distance, mean [bandwidth]wave // powers of the basic waves
	var difference [bandwidth]float64
	var outer [bandwidth][2 * bandwidth]wave // by m and s+bandwidth
	top := harmonic{}
	for _, h := range hs {
		top = harmonic{max(top.m, h.m), max(top.s, h.s, -h.s), max(top.t, h.t)}
	}
	highest := max(top.m, top.s, top.t)
	for i, p := range points {
		for _, q := range points[:i] {
			dx, dy := p.x-q.x, p.y-q.y
			d := math.Sqrt(float64(dx*dx) + float64(dy*dy))
			if d == 0 || d > reach {
				continue
			}
			line := wave{dx / d, dy / d}
			distance[0], mean[0] = wave{p.weight * q.weight, 0}, wave{1, 0}
			d1, m1 := cis(math.Sqrt(d)/period), p.half.times(q.half).times(line.conjugate())
			delta, power := p.half.times(q.half.conjugate()), wave{1, 0}
			difference[0] = 1
			for k := 1; k <= highest; k++ {
				distance[k], mean[k] = distance[k-1].times(d1), mean[k-1].times(m1)
				power = power.times(delta)
				difference[k] = power.re
				if k%2 == 1 {
					difference[k] = power.im
				}
			}
			for m, z := range distance[:top.m+1] {
				for s, w := range mean[:top.s+1] {
					outer[m][bandwidth+s] = z.times(w)
					outer[m][bandwidth-s] = z.times(w.conjugate())
				}
			}
			for k, h := range hs {
				z, f := &outer[h.m][bandwidth+h.s], difference[h.t]
				sums[k].re += float64(z.re * f)
				sums[k].im += float64(z.im * f)
			}
		}
	}
	return sums
}

// wave is a complex number. The compiler may fuse the multiplications and
// additions of complex128 on some processors, which rounds differently; the
// conversions here forbid it.
type wave struct{ re, im float64 }

func (a wave) times(b wave) wave {
	return wave{float64(a.re*b.re) - float64(a.im*b.im), float64(a.re*b.im) + float64(a.im*b.re)}
}

func (a wave) conjugate() wave { return wave{a.re, -a.im} }

// cis is cos + i sin of a number of full turns of moderate size, by Taylor
// series. Those of package math may round differently between processors.
func cis(turns float64) wave {
	quarter := math.RoundToEven(4 * turns)
	x := float64((turns - float64(quarter/4)) * (2 * math.Pi)) // within +-pi/4
	y := float64(x * x)
	sin, cos := 1.0, 1.0
	for k := 16; k >= 2; k -= 2 {
		sin = 1 - float64(float64(y/float64(k*(k+1)))*sin)
		cos = 1 - float64(float64(y/float64(k*(k-1)))*cos)
	}
	sin = float64(sin * x)
	switch int(quarter) & 3 {
	case 1:
		return wave{-sin, cos}
	case 2:
		return wave{-cos, -sin}
	case 3:
		return wave{sin, -cos}
	}
	return wave{cos, sin}
}
