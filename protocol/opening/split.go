package opening

import (
	"crypto/rand"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"github.com/puente-project/puente/he"
)

// The halves of a seed as scalars, little-endian as ristretto255 encodes them: the upper
// scalarSize-halfSize bytes are zero.
const (
	halfSize   = len(he.Seed{}) / 2
	scalarSize = 32
	partSize   = 2 * scalarSize
)

// split returns the two parts of a seed: the values at 1 and at 2 of the line through each
// half, the first half first.
func split(seed he.Seed) ([2][]byte, error) {
	var parts [2][]byte
	for half := range 2 {
		var encoded [scalarSize]byte
		copy(encoded[:], seed[half*halfSize:(half+1)*halfSize])
		secret := group.Ristretto255.NewScalar()
		if err := secret.UnmarshalBinary(encoded[:]); err != nil {
			return parts, fmt.Errorf("split the seed: %w", err) // below 2^128, so it cannot be
		}
		for i, share := range secretsharing.New(rand.Reader, 1, secret).Share(2) {
			value, err := share.Value.MarshalBinary()
			if err != nil {
				return parts, fmt.Errorf("split the seed: %w", err)
			}
			parts[i] = append(parts[i], value...)
		}
	}
	return parts, nil
}

// join is the inverse of split; the error is ErrPart for parts that split never gives
// together.
func join(parts [2][]byte) (he.Seed, error) {
	var seed he.Seed
	for half := range 2 {
		var shares []secretsharing.Share
		for i, part := range parts {
			value := group.Ristretto255.NewScalar()
			if len(part) != partSize || value.UnmarshalBinary(part[half*scalarSize:(half+1)*scalarSize]) != nil {
				return he.Seed{}, fmt.Errorf("part %d: %w: it is not two scalars", i+1, ErrPart)
			}
			shares = append(shares, secretsharing.Share{ID: group.Ristretto255.NewScalar().SetUint64(uint64(i + 1)), Value: value})
		}
		secret, err := secretsharing.Recover(1, shares)
		if err != nil {
			return he.Seed{}, fmt.Errorf("%w: %w", ErrPart, err)
		}
		encoded, err := secret.MarshalBinary()
		if err != nil || [scalarSize - halfSize]byte(encoded[halfSize:]) != [scalarSize - halfSize]byte{} {
			return he.Seed{}, fmt.Errorf("%w: together they are no seed", ErrPart)
		}
		copy(seed[half*halfSize:], encoded[:halfSize])
	}
	return seed, nil
}
