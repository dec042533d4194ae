package transparency

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transparency/view"
	"golang.org/x/mod/sumdb/note"
)

// Partner is an agency with which this one exchanges cosignatures.
type Partner struct {
	Name string
	// Dir is the folder, log-witness, of what was exchanged with this partner. Each
	// partner needs its own.
	Dir string
	// Log verifies the partner's checkpoints, Witness its cosignatures under ours.
	Log, Witness note.Verifier
}

// The files in Partner.Dir.
const (
	// ownFile is the newest checkpoint of our log that the partner has cosigned.
	ownFile = "checkpoint"
	// partnerFile is the newest checkpoint of the partner's log that we have cosigned.
	partnerFile = "partner-checkpoint"
	// refusedPrefix begins the names of checkpoints, signed by the partner's key, that were
	// not shown to extend what was remembered: with it, evidence of a fork if the partner's
	// log is not consistent with them. The first maxRefused are kept.
	refusedPrefix = "partner-refused-"
	maxRefused    = 16
	lockFile      = ".lock"
)

// partners checks the list and gives it by name.
func partners(list []Partner) (map[string]Partner, error) {
	byName, dirs := map[string]Partner{}, map[string]bool{}
	for _, p := range list {
		dir := filepath.Clean(p.Dir)
		if p.Name == "" || p.Dir == "" || p.Log == nil || p.Witness == nil {
			return nil, fmt.Errorf("transparency: partner %q needs a name, a folder, a log key and a witness key", p.Name)
		}
		if _, twice := byName[p.Name]; twice || dirs[dir] {
			return nil, fmt.Errorf("transparency: partner %q is listed twice, or shares its folder %s with another", p.Name, dir)
		}
		byName[p.Name], dirs[dir] = p, true
	}
	return byName, nil
}

// stored reads a checkpoint of the partner's folder. A file that is missing gives the
// empty log; one that does not verify is an error, and never the empty log.
func (p Partner) stored(file string, log, cosigner note.Verifier) (view.Checkpoint, error) {
	path := filepath.Join(p.Dir, file)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return view.Checkpoint{Origin: log.Name(), Root: new(view.Tree).RootAt(0)}, nil
	}
	if err != nil {
		return view.Checkpoint{}, err
	}
	c, err := view.OpenCheckpoint(raw, log, cosigner)
	if err == nil && len(c.Cosignatures) == 0 {
		err = fmt.Errorf("%w: none by %s", view.ErrCosignature, cosigner.Name())
	}
	if err != nil {
		return view.Checkpoint{}, fmt.Errorf("%s is damaged: %w; restore it from a backup that is not older", path, err)
	}
	return c, nil
}

// store replaces a file of the partner's folder, durably.
func (p Partner) store(file string, content []byte) error {
	return durable.Replace(filepath.Join(p.Dir, file), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (p Partner) makeDir() error {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(filepath.Clean(p.Dir)))
}

// signatureLine is the line of a note for one signature.
func signatureLine(s note.Signer, text string) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return nil, err
	}
	return signed[len(text)+1:], nil // the text, an empty line, the signature
}
