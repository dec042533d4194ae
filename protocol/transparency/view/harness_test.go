package view

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/note"
)

// testSigner signs as a log or, with a time, as a witness.
type testSigner struct {
	Verifier
	key     ed25519.PrivateKey
	seconds uint64
}

func (s testSigner) Sign(text []byte) ([]byte, error) {
	if s.alg == algLog {
		return ed25519.Sign(s.key, text), nil
	}
	return append(binary.BigEndian.AppendUint64(nil, s.seconds), ed25519.Sign(s.key, CosignedMessage(s.seconds, text))...), nil
}

func newTestSigner(t testing.TB, seed byte, name string, make func(string, ed25519.PublicKey) (Verifier, error)) testSigner {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	v, err := make(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return testSigner{v, key, 1_700_000_000}
}

func logSigner(t testing.TB) testSigner {
	return newTestSigner(t, 1, "puente/cl", LogVerifier)
}

func witnessSigner(t testing.TB) testSigner {
	return newTestSigner(t, 2, "us", WitnessVerifier)
}

func entries(prefix string, n int) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Appendf(nil, "%s %d", prefix, i))
	}
	return list
}

func treeOf(entries [][]byte) *Tree {
	var t Tree
	for _, e := range entries {
		t.Append(LeafHash(e))
	}
	return &t
}

// checkpoint signs the tree of the entries.
func checkpoint(t testing.TB, entries [][]byte, signers ...note.Signer) []byte {
	t.Helper()
	tree := treeOf(entries)
	c := Checkpoint{Origin: "puente/cl", Size: tree.Size(), Root: tree.RootAt(tree.Size())}
	raw, err := note.Sign(&note.Note{Text: c.Text()}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// writeLog makes a log's folder with no help of the code that reads it but the tree.
func writeLog(t testing.TB, dir string, entries [][]byte, signers ...note.Signer) string {
	t.Helper()
	write := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := treeOf(entries)
	for at := 0; at < len(entries); at += tileWidth {
		var b []byte
		part := entries[at:min(at+tileWidth, len(entries))]
		for _, e := range part {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(e))), e...)
		}
		write(layout.EntriesPath(uint64(at/tileWidth), uint8(len(part)%tileWidth)), b)
	}
	for level := 0; level*tileHeight < len(tree.levels); level++ {
		nodes := tree.levels[level*tileHeight]
		for at := 0; at < len(nodes); at += tileWidth {
			var b []byte
			part := nodes[at:min(at+tileWidth, len(nodes))]
			for _, h := range part {
				b = append(b, h[:]...)
			}
			write(layout.TilePath(uint64(level), uint64(at/tileWidth), uint8(len(part)%tileWidth)), b)
		}
	}
	write(layout.CheckpointPath, checkpoint(t, entries, signers...))
	return dir
}

func openLog(t testing.TB, dir string) *View {
	t.Helper()
	v, err := Open(dir, logSigner(t), []note.Verifier{witnessSigner(t).Verifier})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
