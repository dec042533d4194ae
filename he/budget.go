package he

import (
	"errors"
	"fmt"
	"math"
)

// The guarantees that every parameter set carries. A set that misses one cannot
// be constructed.
const (
	// SecurityBits is the classical security of the ciphertexts.
	SecurityBits = 128
	// MinHidingBits is the least statistical hiding of the evaluator's noise:
	// the distance per coefficient between flooded noise and pure flooding is
	// at most 2^-MinHidingBits.
	MinHidingBits = 40
	// MaxFailureLog2 bounds the probability that one coefficient decrypts
	// wrongly: at most 2^MaxFailureLog2.
	MaxFailureLog2 = -128
	// wantHidingBits is what the choice of wire widths of shares leaves whenever it can.
	wantHidingBits = 48
)

// Errors of New.
var (
	ErrSecurity = errors.New("he: the parameters miss 128-bit security")
	ErrBudget   = errors.New("he: the noise budget is exceeded")
	ErrRange    = errors.New("he: the score range does not fit")
)

// maxLogQ is log2 of the largest modulus that keeps 128 bits of classical
// security for a uniform ternary secret and an error of deviation >= 3.19:
// Bossuat et al., "Security Guidelines for Implementing Homomorphic
// Encryption", ePrint 2024/463, table for ternary secrets. The 2018 standard
// (homomorphicencryption.org) allowed 54, 109 and 218.
var maxLogQ = map[int]float64{2048: 53, 4096: 106, 8192: 214}

// maxWeightDeviations limits the Hamming weight of a ternary secret to
// 2n/3 + 13.6 standard deviations, which a uniform one exceeds with probability
// under 2^-128 (2^-145 at n = 4096 by summing the binomial tail), and the sum of its
// coefficients to as many deviations of sqrt(2n/3).
const maxWeightDeviations = 13.6

// Budget is the computed account of one message direction: what the noise is,
// how much of it is hidden and how safely the plaintext survives. Bits are base-2
// logarithms relative to 1 modulo q.
type Budget struct {
	LogQ         float64 // bits of q
	MaxLogQ      float64 // bits allowed for 128-bit security
	LogT         float64 // bits of the plaintext modulus
	NoiseBits    float64 // noise that depends on the operands and keys, and is to be hidden
	WorstBits    float64 // bound of that noise
	FloodBits    int     // flooding is uniform in [-2^FloodBits, 2^FloodBits)
	HidingBits   float64 // -log2 of the distance per coefficient
	FailureLog2  float64 // log2 of the failure probability per coefficient
	DroppedBits  int     // low bits of b that the key owner does not send
	MaskBits     int     // wire width of an answer's a, bits per coefficient
	MessageBits  int     // wire width of an answer's b, bits per coefficient
	UploadBits   int     // wire width of the key owner's b, bits per coefficient
	secretWeight float64
}

// check returns the first guarantee that the budget misses.
func (b Budget) check() error {
	switch {
	case b.LogQ > b.MaxLogQ:
		return fmt.Errorf("%w: log2 q = %.2f, at most %.0f allowed", ErrSecurity, b.LogQ, b.MaxLogQ)
	case b.HidingBits < MinHidingBits:
		return fmt.Errorf("%w: hiding 2^-%.1f, at least 2^-%d required", ErrBudget, b.HidingBits, MinHidingBits)
	case b.FailureLog2 > MaxFailureLog2:
		return fmt.Errorf("%w: failure 2^%.1f, at most 2^%d allowed", ErrBudget, b.FailureLog2, MaxFailureLog2)
	}
	return nil
}

// direction describes one answer: score shares or verdicts.
type direction struct {
	n      int
	limbs  int
	logQ   float64
	t      float64 // plaintext modulus
	hidden float64 // factor of the error of an upload in the noise that is hidden
	worst  float64 // the same for the bound of the noise
	want   float64 // hiding that is left whenever it can
	drops  bool    // whether the upload may drop low bits
}

// scoreDirection: the error of an upload is multiplied by weights, whose absolute values
// add up to at most weightL1. They and the error are the worst.
func scoreDirection(n int, primes []uint64, k int, weightL1 int64) direction {
	return direction{n: n, limbs: len(primes), logQ: logOf(primes), t: math.Exp2(float64(k)),
		hidden: float64(weightL1), worst: float64(weightL1), want: wantHidingBits, drops: true}
}

// compareDirection: an answer is the sum over h levels of rho_l times the upload of level
// l, where every rho_l is zero but in some of the lanes, and uniform without zero there.
//
// What has to be hidden is the expected absolute value of sum_l rho_l*e_l over the rho:
// the statistical distance of uniform flooding in [-B, B) from the same plus noise z that
// does not depend on it is at most |z|/2B, and so E|z|/2B for z jointly distributed with
// the values of the lanes. Over lanes that may be zero, any two coefficients of rho_l are
// independent and uniform modulo T, of variance T^2/12; the condition that no lane is
// zero multiplies the expected square by at most 1/P(no lane is zero). By Jensen E|z| is
// at most the root of E z^2 = h * n * (sigma+1/2)^2 * T^2/12 / P, where the half is the
// rounding of the message. It is divided here by errorBound+1/2, by which budget
// multiplies.
func compareDirection(n int, primes, planes []uint64, h int) direction {
	t, none := 1.0, 1.0
	for _, p := range planes {
		t *= float64(p)
		none *= math.Pow(1-1/float64(p), float64(n))
	}
	mean := math.Sqrt(float64(h)*float64(n)/12/none) * (errorSigma + 0.5) * t
	return direction{n: n, limbs: len(primes), logQ: logOf(primes), t: t,
		hidden: mean / (errorBound + 0.5), worst: float64(h) * float64(n) * t / 2, want: MinHidingBits}
}

func log2(x float64) float64 { return math.Log2(x) }

// logOf is log2 of the product.
func logOf(primes []uint64) float64 {
	log := 0.0
	for _, p := range primes {
		log += log2(float64(p))
	}
	return log
}

// plan finds the wire widths and the flooding for a direction. It takes the
// smallest answer for which the hiding stays at what is wanted (or, where that
// cannot be had, at what is left with nothing dropped), then drops as many low
// bits of the upload as the hiding allows.
func (d direction) plan() Budget {
	best := Budget{HidingBits: math.Inf(-1)}
	logT := int(math.Ceil(math.Log2(d.t)))
	for extra := 3; extra <= 8; extra++ { // b rounds by 2^-extra-1 of a message unit
		for mask := logT + 7; mask <= logT+12; mask++ {
			b := d.budget(mask, logT+extra, 0)
			if b.FailureLog2 > MaxFailureLog2 {
				continue
			}
			size := func(x Budget) int { return x.MaskBits + x.MessageBits }
			enough, had := b.HidingBits >= d.want, best.HidingBits >= d.want
			if enough && (!had || size(b) < size(best)) || !enough && !had && b.HidingBits > best.HidingBits {
				best = b
			}
		}
	}
	if best.MaskBits == 0 {
		return d.budget(logT+12, logT+8, 0) // fails its check, and says by how much
	}
	for drop := 1; d.drops && drop < 64; drop++ {
		b := d.budget(best.MaskBits, best.MessageBits, drop)
		if b.HidingBits < d.want || b.FailureLog2 > MaxFailureLog2 {
			break
		}
		best = b
	}
	return best
}

// budget computes the account for given wire widths and dropped bits.
//
// Noise: each symmetric ciphertext carries an error of at most 21, half a unit of
// rounding and 2^(drop-1) of dropped bits, multiplied by the factors of the direction;
// the fresh encryption of zero adds e_pk*u + e_1*s + e_0 <= 21*(2n+1), and the
// evaluator's own message half a unit of rounding.
//
// Failure: what is left of half a message unit after flooding, noise and the
// rounding of b is eaten only by the rounding of a, a sum of at most W
// independent uniform errors of [-1/2, 1/2] wire units with signs, which is
// sub-Gaussian with variance W/12 (Arbel, Marchal and Nguyen, ESAIM P&S 2020:
// the uniform law is strictly sub-Gaussian). What ring.pack lacks is less than
// limbs*5/4 units of 2^-64 of which the mean is taken off but for half a unit.
func (d direction) budget(mask, message, drop int) Budget {
	n := float64(d.n)
	fresh := errorBound + 0.5
	if drop > 0 {
		fresh += math.Exp2(float64(drop - 1))
	}
	own := errorBound*(2*n+1) + 0.5
	noise, worst := d.hidden*fresh+own, d.worst*fresh+own
	weight := math.Min(n, 2*n/3+maxWeightDeviations*math.Sqrt(2*n/9))

	unit := math.Exp2(d.logQ) / d.t // one message unit modulo q
	variance := weight / 12 * (1 + float64(d.limbs)*25/16*math.Exp2(2*float64(mask-64)))
	sigma := math.Sqrt(variance) * d.t / math.Exp2(float64(mask))
	needed := sigma * math.Sqrt(2*math.Ln2*(1-MaxFailureLog2+0.5))
	fixed := d.t / math.Exp2(float64(message)) / 2 // rounding of b
	fixed += d.t / math.Exp2(64) / 2 * (maxWeightDeviations*math.Sqrt(2*n/3) + 4)
	room := 0.5 - fixed - needed - worst/unit

	b := Budget{
		LogQ: d.logQ, MaxLogQ: maxLogQ[d.n], LogT: math.Log2(d.t),
		NoiseBits: math.Log2(noise), WorstBits: math.Log2(worst), DroppedBits: drop,
		MaskBits: mask, MessageBits: message,
		UploadBits: int(math.Ceil(d.logQ)) - drop, secretWeight: weight,
		FailureLog2: 1, HidingBits: math.Inf(-1),
	}
	if room <= 0 {
		return b
	}
	b.FloodBits = min(maxFloodBits, int(math.Floor(math.Log2(room*unit))))
	b.HidingBits = float64(b.FloodBits) + 1 - b.NoiseBits
	left := 0.5 - fixed - (worst+math.Exp2(float64(b.FloodBits)))/unit
	b.FailureLog2 = 1 - left*left/(2*sigma*sigma)*math.Log2E
	return b
}
