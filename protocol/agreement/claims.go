package agreement

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol/transcript"
)

// Claims is what was agreed on the second step behind a hit, in which the requester asks
// for the reference of a slot.
type Claims struct {
	// WindowHours is for how long after the grant of a session its hits may be claimed,
	// 1 to MaxWindowHours. For so long the holder keeps which reference had which slot.
	WindowHours uint64 `json:"window_hours"`
	// PerSession is how many claims a session allows, at least 1.
	PerSession uint64 `json:"per_session"`
	// Daily is how many claims the holder answers for a requester in a UTC day, at least 1.
	Daily uint64 `json:"daily"`
	// Bases are the legal bases that allow a claim, ascending. They need not be those of
	// searches.
	Bases []string `json:"bases"`
}

// MaxWindowHours bounds the claim window: 31 days. The holder remembers references of
// people who were delisted since, encrypted, for that long.
const MaxWindowHours = 31 * 24

// Window is WindowHours as a duration.
func (c Claims) Window() time.Duration { return time.Duration(c.WindowHours) * time.Hour }

// validate refuses terms that cannot be applied; nil is that there are none.
func (c *Claims) validate() error {
	switch {
	case c == nil:
		return nil
	case c.WindowHours < 1 || c.WindowHours > MaxWindowHours:
		return fmt.Errorf("window_hours is %d, allowed are 1 to %d", c.WindowHours, MaxWindowHours)
	case c.PerSession < 1 || c.Daily < 1:
		return errors.New("per_session and daily must be at least 1")
	case len(c.Bases) == 0:
		return errors.New("at least one legal basis is needed")
	}
	for i, b := range c.Bases {
		if !transcript.ValidCode(b) || i > 0 && c.Bases[i-1] >= b {
			return errors.New("bases must be a-z, 0-9 and -, differ and be in order")
		}
	}
	return nil
}

// CheckClaim refuses a claim that the agreement does not allow, but for its limits and its
// window, which need other claims and the session. Errors wrap ErrNotAllowed.
func (a Agreement) CheckClaim(c transcript.Claim) error {
	switch partner, err := a.Partner(c.Requester); {
	case c.Agreement != a.Digest():
		return fmt.Errorf("%w: the claim is under another agreement", ErrNotAllowed)
	case err != nil:
		return err
	case partner != c.Holder:
		return fmt.Errorf("%w: %s is no party", ErrNotAllowed, c.Holder)
	case a.Claims == nil:
		return fmt.Errorf("%w: it allows no claim", ErrNotAllowed)
	case !slices.Contains(a.Claims.Bases, c.Basis):
		return fmt.Errorf("%w: claims on the basis %s are not in it", ErrNotAllowed, c.Basis)
	case !slices.ContainsFunc(a.Purposes, func(p Purpose) bool { return p.Code == c.Purpose }):
		return fmt.Errorf("%w: purpose %s is not in it", ErrNotAllowed, c.Purpose)
	}
	_, err := a.Watchlist(c.Holder, c.Watchlist)
	return err
}
