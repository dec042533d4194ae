package ckks

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// Config says what is matched: vectors of Dims coordinates, of which the squares sum up to
// at most Norm^2; an inner product of at least Theta is a hit.
type Config struct {
	Layout Layout
	Dims   int   // a power of two, 2..1024
	Norm   int   // 1..127
	Theta  int64 // 1..Norm^2
}

func (c Config) check(gallery [][]int8) error {
	switch {
	case c.Layout > Diagonal:
		return fmt.Errorf("ckks: %v is unknown; use ByDimension or Diagonal", c.Layout)
	case c.Dims < minDims || c.Dims > maxDims || c.Dims&(c.Dims-1) != 0:
		return fmt.Errorf("ckks: %d dimensions; allowed are powers of two from %d to %d", c.Dims, minDims, maxDims)
	case c.Norm < 1 || c.Norm > maxNorm:
		return fmt.Errorf("ckks: norm %d; allowed are 1 to %d", c.Norm, maxNorm)
	case c.Theta < 1 || c.Theta > int64(c.Norm*c.Norm):
		return fmt.Errorf("ckks: theta %d; allowed are 1 to the square of the norm, %d", c.Theta, c.Norm*c.Norm)
	case len(gallery) < 1 || len(gallery) > Slots:
		return fmt.Errorf("ckks: %d entries; a batch has 1 to %d", len(gallery), Slots)
	}
	for slot, entry := range gallery {
		if len(entry) != c.Dims {
			return fmt.Errorf("ckks: entry %d has %d coordinates, not %d", slot, len(entry), c.Dims)
		}
	}
	return nil
}

// Matcher is both parties of a query, with their keys and a batch of the gallery. It is
// not for concurrent use.
type Matcher struct {
	config  Config
	entries int
	params  hefloat.Parameters
	encoder *hefloat.Encoder
	// The party with the probe.
	encryptor *rlwe.Encryptor
	decryptor *rlwe.Decryptor
	// The party with the gallery.
	evaluator *hefloat.Evaluator
	signs     *hefloat.PolynomialEvaluator
	rows      []*rlwe.Plaintext
	// Buffers of a query.
	row     *rlwe.Ciphertext
	probe   *rlwe.Ciphertext
	keySize int64
}

// New makes keys and encodes a gallery of 1..Slots entries of Dims coordinates, which is
// not retained. At 512 dimensions it takes up to 1.7 GB.
func New(c Config, gallery [][]int8) (*Matcher, error) {
	if err := c.check(gallery); err != nil {
		return nil, err
	}
	p, err := newParameters()
	if err != nil {
		return nil, err
	}
	generator := hefloat.NewKeyGenerator(p)
	secret := generator.GenSecretKeyNew()
	m := &Matcher{config: c, entries: len(gallery), params: p, encoder: hefloat.NewEncoder(p),
		encryptor: hefloat.NewEncryptor(p, secret), decryptor: hefloat.NewDecryptor(p, secret),
		row: hefloat.NewCiphertext(p, 1, p.MaxLevel()), probe: hefloat.NewCiphertext(p, 1, p.MaxLevel())}
	relinearisation := generator.GenRelinearizationKeyNew(secret)
	m.keySize = int64(relinearisation.BinarySize())
	var rotation []*rlwe.GaloisKey
	small, giant := c.Layout.rotations(c.Dims)
	for _, k := range append(small, giant...) {
		key := generator.GenGaloisKeyNew(p.GaloisElement(k), secret)
		m.keySize += int64(key.BinarySize())
		rotation = append(rotation, key)
	}
	m.evaluator = hefloat.NewEvaluator(p, rlwe.NewMemEvaluationKeySet(relinearisation, rotation...))
	m.signs = hefloat.NewPolynomialEvaluator(p, m.evaluator)

	top := p.MaxLevel()
	values := make([]float64, Slots)
	norm := float64(c.Norm)
	for i := range c.Dims {
		c.Layout.row(gallery, c.Dims, i, norm/(norm*norm+float64(c.Theta)), values)
		row := hefloat.NewPlaintext(p, top)
		// The product with the probe is then rescaled to exactly the probe's scale.
		row.Scale = rlwe.NewScale(p.Q()[top])
		if err := m.encoder.Encode(values, row); err != nil {
			return nil, fmt.Errorf("ckks: row %d of the gallery: %w", i, err)
		}
		m.rows = append(m.rows, row)
	}
	return m, nil
}

// Parameters describes the parameter set for people.
func (m *Matcher) Parameters() string {
	return fmt.Sprintf("n%d-qp%.0f-levels%d-scale%d", m.params.N(), m.params.LogQP(), m.params.MaxLevel(), m.params.LogDefaultScale())
}

// KeyBytes is the size of the evaluation keys, which are sent once per key.
func (m *Matcher) KeyBytes() int64 { return m.keySize }

// GalleryBytes is the memory of the encoded gallery, twice as much if it is encrypted.
func (m *Matcher) GalleryBytes(encrypted bool) int64 {
	size := int64(m.config.Dims) * int64(m.params.MaxLevel()+1) * int64(m.params.N()) * 8
	if encrypted {
		size *= 2
	}
	return size
}
