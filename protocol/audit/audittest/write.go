package audittest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transparency/view"
	"github.com/transparency-dev/tessera/api/layout"
)

// Write writes the folders of both parties.
func (w *World) Write(dir string) error {
	for i, p := range w.Parties {
		if err := w.write(filepath.Join(dir, p.Name), p, w.Parties[1-i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) write(dir string, p, partner *Party) error {
	files := map[string][]byte{
		"public.json":    p.Public().Encode(),
		"agreement.json": w.Agreement.Encode(),
	}
	for name, data := range tiles(p.Entries) {
		files["log/"+name] = data
	}
	files["log/checkpoint"] = p.Checkpoint(p.Entries, nil, 0)
	if seen := p.seen(); len(seen) > 0 {
		files["log-witness/checkpoint"] = p.Checkpoint(p.Entries[:min(len(seen), len(p.Entries))], partner, w.Now.Unix()-600)
	}
	if seen := partner.seen(); len(seen) > 0 {
		files["log-witness/partner-checkpoint"] = partner.Checkpoint(seen, p, w.Now.Unix()-600)
	}
	for folder, session := range p.Evidence {
		for name, data := range session {
			files["evidence/"+folder+"/"+name] = data
		}
	}
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// seen are the entries that the partner has seen.
func (p *Party) seen() []string {
	if p.Remembered != nil {
		return p.Remembered
	}
	if p.Cosigned < 0 {
		return p.Entries
	}
	return p.Entries[:p.Cosigned]
}

// Checkpoint signs a state of the log, with a cosignature unless witness is nil.
func (p *Party) Checkpoint(entries []string, witness *Party, seconds int64) []byte {
	var tree view.Tree
	for _, e := range entries {
		tree.Append(view.LeafHash([]byte(e)))
	}
	public := p.Public()
	c := view.Checkpoint{Origin: public.Log.Name(), Size: tree.Size(), Root: tree.RootAt(tree.Size())}
	text := c.Text()
	out := text + "\n" + line(public.Log, ed25519.Sign(p.LogKey, []byte(text)))
	if witness != nil {
		sig := binary.BigEndian.AppendUint64(nil, uint64(seconds))
		sig = append(sig, ed25519.Sign(witness.Witness, view.CosignedMessage(uint64(seconds), []byte(text)))...)
		out += line(witness.Public().Witness, sig)
	}
	return []byte(out)
}

// line is a signature line of a signed note.
func line(v note.Verifier, sig []byte) string {
	b := binary.BigEndian.AppendUint32(nil, v.KeyHash())
	return fmt.Sprintf("— %s %s\n", v.Name(), base64.StdEncoding.EncodeToString(append(b, sig...)))
}

// tiles makes the files of a log but its checkpoint (C2SP tlog-tiles).
func tiles(entries []string) map[string][]byte {
	files := map[string][]byte{}
	size := uint64(len(entries))
	for at := uint64(0); at < size; at += 256 {
		var b []byte
		for _, e := range entries[at:min(at+256, size)] {
			b = binary.BigEndian.AppendUint16(b, uint16(len(e)))
			b = append(b, e...)
		}
		files[layout.EntriesPathForLogIndex(at, size)] = b
	}
	hashes := make([]view.Hash, size)
	for i, e := range entries {
		hashes[i] = view.LeafHash([]byte(e))
	}
	for level := uint64(0); len(hashes) > 0; level++ {
		var above []view.Hash
		for at := 0; at < len(hashes); at += 256 {
			tile := hashes[at:min(at+256, len(hashes))]
			var b []byte
			for _, h := range tile {
				b = append(b, h[:]...)
			}
			files[layout.TilePath(level, uint64(at/256), uint8(len(tile)%256))] = b
			if len(tile) == 256 {
				above = append(above, subtree(tile))
			}
		}
		hashes = above
	}
	return files
}

// subtree is the root over a power of two of nodes.
func subtree(nodes []view.Hash) view.Hash {
	if len(nodes) == 1 {
		return nodes[0]
	}
	left, right := subtree(nodes[:len(nodes)/2]), subtree(nodes[len(nodes)/2:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
