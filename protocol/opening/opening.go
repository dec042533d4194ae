package opening

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

// Subject is what an opening opens: the seed of one party in one session.
type Subject struct {
	Session    transcript.Digest // id of the session
	Role       transcript.Party
	Commitment transcript.Digest // to the party's session seed, protocol.Commit
}

// SubjectOf returns the subject as the session's statements have it. They must have been
// verified, for Open is as good as they are.
func SubjectOf(request transcript.Request, grant transcript.Grant, role transcript.Party) Subject {
	s := Subject{Session: grant.Session, Role: role, Commitment: grant.Seed}
	if role == transcript.Requester {
		s.Commitment = request.Seed
	}
	return s
}

// Check returns ErrCommitment unless the seed is the one that was committed to.
func (s Subject) Check(seed he.Seed) error {
	got := protocol.Commit(seed)
	if subtle.ConstantTimeCompare(got[:], s.Commitment[:]) != 1 {
		return fmt.Errorf("%v of session %v: %w", s.Role, protocol.ID(s.Session), ErrCommitment)
	}
	return nil
}

// Opening is a seed sealed to auditors.
type Opening struct {
	Subject Subject             // as the opening claims
	parts   []transcript.Digest // of the parts
	sealed  []sealed
}

// sealed is one part for one auditor.
type sealed struct {
	part            int // from 1
	auditor         KeyID
	enc, ciphertext []byte
}

// Seal makes an opening that each of 1 to MaxAuditors auditors can open alone. The seed
// must be the one of the subject, else the error is ErrCommitment.
func Seal(subject Subject, seed he.Seed, to ...PublicKey) (Opening, error) {
	recipients := make([]recipient, len(to))
	for i, key := range to {
		recipients[i] = recipient{1, key}
	}
	return seal(subject, seed, [][]byte{seed[:]}, recipients)
}

// SealSplit makes an opening that needs both auditors, who must be two: neither learns
// anything alone.
func SealSplit(subject Subject, seed he.Seed, to [2]PublicKey) (Opening, error) {
	if to[0] == to[1] {
		return Opening{}, fmt.Errorf("%w: both parts would be the same auditor's", ErrKey)
	}
	parts, err := split(seed)
	if err != nil {
		return Opening{}, err
	}
	return seal(subject, seed, parts[:], []recipient{{1, to[0]}, {2, to[1]}})
}

type recipient struct {
	part int
	key  PublicKey
}

func seal(subject Subject, seed he.Seed, parts [][]byte, to []recipient) (Opening, error) {
	if err := subject.Check(seed); err != nil {
		return Opening{}, err
	}
	if subject.Role != transcript.Requester && subject.Role != transcript.Holder {
		return Opening{}, fmt.Errorf("%w: there is no %v", ErrSubject, subject.Role)
	}
	if len(to) < 1 {
		return Opening{}, fmt.Errorf("%w: no auditor to seal to", ErrKey)
	}
	o := Opening{Subject: subject}
	for i, part := range parts {
		o.parts = append(o.parts, o.digest(i+1, part))
	}
	for _, r := range to {
		if err := o.add(r.part, parts[r.part-1], r.key); err != nil {
			return Opening{}, err
		}
	}
	return o, nil
}

// add seals one part to one auditor.
func (o *Opening) add(part int, value []byte, to PublicKey) error {
	s := sealed{part: part, auditor: to.ID()}
	at, found := slices.BinarySearchFunc(o.sealed, s, compareSealed)
	if found {
		return fmt.Errorf("%w: auditor %v has part %d twice", ErrKey, s.auditor, part)
	}
	if len(o.sealed) == MaxAuditors {
		return fmt.Errorf("%w: more than %d sealed parts", ErrKey, MaxAuditors)
	}
	key, err := to.kem()
	if err != nil {
		return err
	}
	sender, err := suite.NewSender(key, o.info())
	if err != nil {
		return fmt.Errorf("seal: %w: %w", ErrKey, err)
	}
	enc, sealer, err := sender.Setup(rand.Reader)
	if err != nil {
		return fmt.Errorf("seal: %w: %w", ErrKey, err)
	}
	if s.ciphertext, err = sealer.Seal(value, []byte{byte(part)}); err != nil {
		return fmt.Errorf("seal: %w: %w", ErrKey, err)
	}
	s.enc = enc
	o.sealed = slices.Insert(slices.Clone(o.sealed), at, s)
	return nil
}

// info binds what is sealed: label | 0 | role | session | commitment | number of parts |
// digest of each.
func (o *Opening) info() []byte {
	b := append([]byte(labelInfo), 0, byte(o.Subject.Role))
	b = append(b, o.Subject.Session[:]...)
	b = append(b, o.Subject.Commitment[:]...)
	b = append(b, byte(len(o.parts)))
	for _, d := range o.parts {
		b = append(b, d[:]...)
	}
	return b
}

// digest of a part, SHA-256(label | 0 | role | session | part | value).
func (o *Opening) digest(part int, value []byte) transcript.Digest {
	b := append([]byte(labelPart), 0, byte(o.Subject.Role))
	b = append(b, o.Subject.Session[:]...)
	b = append(b, byte(part))
	return sha256.Sum256(append(b, value...))
}

// Split reports whether the opening has two parts, which are both needed.
func (o Opening) Split() bool { return len(o.parts) == 2 }

// Auditors returns the ids of the keys to which a part (1, or 2 if the opening is split) is
// sealed, ascending.
func (o Opening) Auditors(part int) []KeyID {
	var ids []KeyID
	for _, s := range o.sealed {
		if s.part == part {
			ids = append(ids, s.auditor)
		}
	}
	return ids
}

// Open returns the seed. subject comes from the session's verified statements
// (SubjectOf): an opening of something else is ErrSubject, a seed that is not the one
// committed to ErrCommitment. One key must do for an opening that is not split; for a split
// one each part needs a key, the same for both if the other auditor has forwarded his.
func (o Opening) Open(subject Subject, keys ...*PrivateKey) (he.Seed, error) {
	if o.Subject.Session != subject.Session || o.Subject.Role != subject.Role {
		return he.Seed{}, fmt.Errorf("%w: it is of the %v of session %v, wanted is the %v of %v", ErrSubject,
			o.Subject.Role, protocol.ID(o.Subject.Session), subject.Role, protocol.ID(subject.Session))
	}
	if o.Subject.Commitment != subject.Commitment {
		return he.Seed{}, fmt.Errorf("%w: the opening names another commitment than the session's statement", ErrCommitment)
	}
	var parts [2][]byte
	have := 0
	for i := range o.parts {
		for _, key := range keys {
			value, found, err := o.part(i+1, key)
			if err != nil {
				return he.Seed{}, err
			}
			if found {
				parts[i] = value
				have++
				break
			}
		}
	}
	switch {
	case have == 0:
		return he.Seed{}, fmt.Errorf("%w: auditors %v can open it", ErrKey, o.Auditors(1))
	case have < len(o.parts):
		missing := slices.IndexFunc(parts[:], func(p []byte) bool { return p == nil }) + 1
		return he.Seed{}, fmt.Errorf("%w: ask auditor %v to forward part %d", ErrParts, o.Auditors(missing), missing)
	}
	seed := he.Seed{}
	if o.Split() {
		var err error
		if seed, err = join(parts); err != nil {
			return he.Seed{}, err
		}
	} else {
		copy(seed[:], parts[0])
	}
	if err := subject.Check(seed); err != nil {
		return he.Seed{}, err
	}
	return seed, nil
}

// part opens one part with a key; found is false when it is not sealed to it.
func (o *Opening) part(part int, key *PrivateKey) (value []byte, found bool, err error) {
	id := key.public.ID()
	i := slices.IndexFunc(o.sealed, func(s sealed) bool { return s.part == part && s.auditor == id })
	if i < 0 {
		return nil, false, nil
	}
	receiver, err := suite.NewReceiver(key.key, o.info())
	if err != nil {
		return nil, false, fmt.Errorf("part %d: %w: %w", part, ErrTampered, err)
	}
	opener, err := receiver.Setup(o.sealed[i].enc)
	if err != nil {
		return nil, false, fmt.Errorf("part %d: %w: %w", part, ErrTampered, err)
	}
	value, err = opener.Open(o.sealed[i].ciphertext, []byte{byte(part)})
	if err != nil {
		return nil, false, fmt.Errorf("part %d: %w: it was altered, or sealed for another session, role or splitting", part, ErrTampered)
	}
	if len(value) != o.partSize() || o.digest(part, value) != o.parts[part-1] {
		return nil, false, fmt.Errorf("part %d: %w", part, ErrPart)
	}
	return value, true, nil
}

// Forward returns the opening with all parts that are sealed to key sealed to another
// auditor as well: how one auditor hands his part of a split opening to the other, who can
// then open it with his own key alone. A key that has no part is ErrKey.
func (o Opening) Forward(key *PrivateKey, to PublicKey) (Opening, error) {
	forwarded := false
	for i := range o.parts {
		value, found, err := o.part(i+1, key)
		if err != nil {
			return Opening{}, err
		}
		if !found || slices.Contains(o.Auditors(i+1), to.ID()) {
			continue
		}
		if err := o.add(i+1, value, to); err != nil {
			return Opening{}, err
		}
		forwarded = true
	}
	if !forwarded {
		return Opening{}, fmt.Errorf("%w, or the other has it already: nothing to forward", ErrKey)
	}
	return o, nil
}
