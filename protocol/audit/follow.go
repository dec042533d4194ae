package audit

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// Step is a look at a log that is being followed.
type Step struct {
	Agency string `json:"agency"`
	Origin string `json:"log_origin"`
	Before uint64 `json:"entries_before"` // 0 the first time
	Size   uint64 `json:"entries"`
	Root   string `json:"root"`
	// Checkpoint is what to keep until the next time.
	Checkpoint []byte `json:"-"`
}

// Follow verifies the log of a party as it is now, and that it extends the checkpoint of
// the last time; nil the first time. Errors match ErrInput if the folder cannot be opened,
// or those of package view: ErrRollback, ErrFork, ErrSignature, ErrRoot and so on.
func Follow(p Party, keys Public, last []byte) (Step, error) {
	if _, err := os.Stat(p.Dir); err != nil {
		return Step{}, fmt.Errorf("%w: the folder of %s: %w", ErrInput, p.Agency, err)
	}
	step := Step{Agency: p.Agency, Origin: keys.Log.Name()}
	if last != nil {
		before, err := view.OpenCheckpoint(last, keys.Log)
		if err != nil {
			return Step{}, fmt.Errorf("%w: the kept checkpoint: %w", ErrInput, err)
		}
		step.Before = before.Size
	}
	v, err := openView(&side{Party: p, public: &keys}, []note.Verifier{})
	if err != nil {
		return Step{}, err
	}
	if last != nil {
		if err := v.Consistent(last); err != nil {
			return Step{}, err
		}
	}
	step.Size, step.Root, step.Checkpoint = v.Size(), v.Root().String(), v.Raw()
	return step, nil
}

// Owner finds out whose folder dir is, by the log key that signed its checkpoint; "" if
// none of the agencies did.
func Owner(dir string, public []Public) string {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return ""
	}
	defer root.Close()
	s := side{root: root}
	if raw, err := s.read("log/checkpoint", view.MaxCheckpoint); err == nil {
		for _, p := range public {
			if _, err := view.OpenCheckpoint(raw, p.Log); err == nil {
				return p.Agency
			}
		}
	}
	if raw, err := s.read(publicFileName, maxPublic); err == nil {
		if claimed, err := ParsePublic(raw); err == nil {
			for _, p := range public {
				if p.Agency == claimed.Agency {
					return p.Agency
				}
			}
		}
	}
	return ""
}
