package ckks

import (
	"fmt"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// Answer is what a query gives the party with the probe, and what it took.
type Answer struct {
	// Signs and Scores have one value an entry. Signs is what is sent; Scores is x before
	// the sign, decrypted outside the clock, which HERS as published would send.
	Signs, Scores []float64
	// Times by the clock that was given. Encrypt and Rotate are those of the probe,
	// Products include the rotations of sums.
	Encrypt, Rotate, Products, Sign, Decrypt time.Duration
	// Bytes sent, in Lattigo's encoding.
	ProbeBytes, AnswerBytes int64
}

// Total is the time of all stages.
func (a Answer) Total() time.Duration { return a.PerQuery() + a.Products + a.Sign + a.Decrypt }

// PerQuery is the time of what further batches would not repeat.
func (a Answer) PerQuery() time.Duration { return a.Encrypt + a.Rotate }

// Query matches a probe of Dims coordinates with the batch. clock reads a CPU clock.
func (m *Matcher) Query(probe []int8, encrypted bool, clock func() time.Duration) (Answer, error) {
	if len(probe) != m.config.Dims {
		return Answer{}, fmt.Errorf("ckks: a probe of %d coordinates, the gallery has %d", len(probe), m.config.Dims)
	}
	q := &query{Matcher: m, encrypted: encrypted, clock: clock}
	products := q.byDimension
	if m.config.Layout == Diagonal {
		products = q.diagonal
	}
	scores, err := products(probe)
	if err != nil {
		return Answer{}, fmt.Errorf("ckks: inner products %v: %w", m.config.Layout, err)
	}
	signs := scores
	q.time(&q.Sign)
	target := m.params.DefaultScale()
	for i, polynomial := range polynomials() {
		if signs, err = m.signs.Evaluate(signs, polynomial, target); err != nil {
			return Answer{}, fmt.Errorf("ckks: polynomial %d of the sign: %w", i, err)
		}
	}
	q.AnswerBytes = int64(signs.BinarySize())
	q.time(&q.Decrypt)
	if q.Signs, err = m.decrypt(signs); err != nil {
		return Answer{}, err
	}
	q.time(nil)
	q.Scores, err = m.decrypt(scores)
	return q.Answer, err
}

func (m *Matcher) decrypt(c *rlwe.Ciphertext) ([]float64, error) {
	values := make([]float64, Slots)
	if err := m.encoder.Decode(m.decryptor.DecryptNew(c), values); err != nil {
		return nil, fmt.Errorf("ckks: decode an answer: %w", err)
	}
	return values[:m.entries], nil
}

// query is a Matcher at work.
type query struct {
	*Matcher
	Answer
	encrypted bool
	clock     func() time.Duration
	since     time.Duration
	stage     *time.Duration
}

// time ends a stage and begins another; nil is outside the clock.
func (q *query) time(stage *time.Duration) {
	now := q.clock()
	if q.stage != nil {
		*q.stage += now - q.since
	}
	q.stage, q.since = stage, now
}

// sum makes an empty accumulator for products.
func (q *query) sum() *rlwe.Ciphertext {
	degree := 1
	if q.encrypted {
		degree = 2
	}
	s := hefloat.NewCiphertext(q.params, degree, q.params.MaxLevel())
	s.Scale = q.params.DefaultScale().Mul(q.rows[0].Scale)
	return s
}

// multiply adds the product of a ciphertext and row i to sum.
func (q *query) multiply(c *rlwe.Ciphertext, i int, sum *rlwe.Ciphertext) error {
	if !q.encrypted {
		q.time(&q.Products)
		return q.evaluator.MulThenAdd(c, q.rows[i], sum)
	}
	q.time(nil)
	if err := q.encryptor.Encrypt(q.rows[i], q.row); err != nil {
		return err
	}
	q.time(&q.Products)
	return q.evaluator.MulThenAdd(c, q.row, sum)
}

// linear brings a sum back to degree 1.
func (q *query) linear(sum *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	if sum.Degree() == 1 {
		return sum, nil
	}
	return q.evaluator.RelinearizeNew(sum)
}

// finish rescales the products and moves the threshold to zero.
func (q *query) finish(sum *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	if err := q.evaluator.Rescale(sum, sum); err != nil {
		return nil, err
	}
	shift := (0.5 - float64(q.config.Theta)) / (float64(q.config.Norm*q.config.Norm) + float64(q.config.Theta))
	return sum, q.evaluator.Add(sum, shift, sum)
}

// byDimension multiplies coordinates with rows, one relinearisation for all.
func (q *query) byDimension(probe []int8) (*rlwe.Ciphertext, error) {
	sum := q.sum()
	for i, coordinate := range probe {
		q.time(&q.Encrypt)
		if err := q.encryptor.EncryptZero(q.probe); err != nil {
			return nil, err
		}
		if err := q.evaluator.Add(q.probe, float64(coordinate)/float64(q.config.Norm), q.probe); err != nil {
			return nil, err
		}
		q.ProbeBytes += int64(q.probe.BinarySize())
		if err := q.multiply(q.probe, i, sum); err != nil {
			return nil, err
		}
	}
	sum, err := q.linear(sum)
	if err != nil {
		return nil, err
	}
	return q.finish(sum)
}

// diagonal rotates the probe by baby steps and the sums by giant ones.
func (q *query) diagonal(probe []int8) (*rlwe.Ciphertext, error) {
	q.time(&q.Encrypt)
	values := make([]float64, Slots)
	for j := range values {
		values[j] = float64(probe[j%len(probe)]) / float64(q.config.Norm)
	}
	plain := hefloat.NewPlaintext(q.params, q.params.MaxLevel())
	if err := q.encoder.Encode(values, plain); err != nil {
		return nil, err
	}
	if err := q.encryptor.Encrypt(plain, q.probe); err != nil {
		return nil, err
	}
	q.ProbeBytes = int64(q.probe.BinarySize())
	q.time(&q.Rotate)
	small, _ := Diagonal.rotations(len(probe))
	rotated, err := q.evaluator.RotateHoistedNew(q.probe, small)
	if err != nil {
		return nil, err
	}
	rotated[0] = q.probe
	q.time(&q.Products)
	var all *rlwe.Ciphertext
	for giant := 0; giant < len(probe); giant += baby(len(probe)) {
		sum := q.sum()
		for k := range baby(len(probe)) {
			if err := q.multiply(rotated[k], giant+k, sum); err != nil {
				return nil, err
			}
		}
		if sum, err = q.linear(sum); err != nil {
			return nil, err
		}
		if giant == 0 {
			all = sum
			continue
		}
		if err := q.evaluator.Rotate(sum, giant, sum); err != nil {
			return nil, err
		}
		if err := q.evaluator.Add(all, sum, all); err != nil {
			return nil, err
		}
	}
	return q.finish(all)
}
