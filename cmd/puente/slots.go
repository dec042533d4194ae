package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transcript"
)

// slotStore keeps, for each state of a watchlist with which sessions were answered, which
// reference stood in which slot, for as long as such a session may be claimed. Slots move
// when people are delisted, so that the watchlist itself cannot tell.
//
// A state is a file named by its root: a title, a random id of 16 bytes, and chunks of
// entries, each a length of 4 bytes and AES-256-GCM under a key derived from the
// watchlist's key and the id, with the number of the chunk as associated data. An entry is
// the length of the handle (1), the handle, and the commitment to the template (32): no
// template. What is read is believed only if it has the root that the file is named for.
// The time of the file is that of the last session that was granted with it.
type slotStore struct {
	dir   string
	key   keys.Seed
	salts entrySalts
}

const (
	slotsDir    = "slots"
	slotsTitle  = "puente slots v1\n"
	labelSlots  = "puente/v1 watchlist slots"
	slotsID     = 16
	slotsChunk  = 4096      // entries that are sealed together
	slotsSealed = 512 << 10 // bytes of such a chunk: 4096 entries of at most 97 bytes, and the seal
	slotsTemp   = ".slots-"
)

// errSlots: a kept state is damaged, or was made for another watchlist.
var errSlots = errors.New("the kept references of a watchlist are damaged")

// seal returns the cipher of a file.
func (s *slotStore) seal(id []byte) (cipher.AEAD, error) {
	key := s.key.Derive(labelSlots, id)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// slotWriter writes a state.
type slotWriter struct {
	store  *slotStore
	file   *os.File
	aead   cipher.AEAD
	chunk  []byte
	count  int
	number uint64
	tree   rootTree
}

// begin starts a state. keep or discard ends it.
func (s *slotStore) begin() (*slotWriter, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	nonce := newNonce()
	id := nonce[:slotsID]
	aead, err := s.seal(id)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.dir, slotsTemp)
	if err != nil {
		return nil, err
	}
	w := &slotWriter{store: s, file: f, aead: aead, tree: newRootTree()}
	if _, err := f.Write(append([]byte(slotsTitle), id...)); err != nil {
		w.discard()
		return nil, err
	}
	return w, nil
}

// add appends the next slot.
func (w *slotWriter) add(handle string, template transcript.Digest) error {
	w.chunk = append(w.chunk, byte(len(handle)))
	w.chunk = append(w.chunk, handle...)
	w.chunk = append(w.chunk, template[:]...)
	if w.count++; w.count%slotsChunk == 0 {
		return w.flush()
	}
	return nil
}

func (w *slotWriter) flush() error {
	sealed := w.aead.Seal(nil, nil, w.chunk, binary.BigEndian.AppendUint64(nil, w.number))
	_, err := w.file.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(sealed))), sealed...))
	w.number, w.chunk = w.number+1, w.chunk[:0]
	return err
}

// keep makes the state durable under its root.
func (w *slotWriter) keep(root transcript.Digest) error {
	err := w.flush()
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err == nil {
		if err = os.Rename(w.file.Name(), w.store.path(root)); err == nil {
			return durable.SyncDir(w.store.dir)
		}
	}
	return errors.Join(err, os.Remove(w.file.Name()))
}

// discard drops a state that is not needed.
func (w *slotWriter) discard() {
	_ = w.file.Close()
	_ = os.Remove(w.file.Name()) // prune removes it otherwise
}

func (s *slotStore) path(root transcript.Digest) string {
	return filepath.Join(s.dir, root.String())
}

// find returns the reference of a slot in the state of a root, with the proof that it
// belongs there. The error is fs.ErrNotExist if the state is not kept any more.
func (s *slotStore) find(root transcript.Digest, slot, entries uint64) (transcript.Released, error) {
	nodes, err := proof.Inclusion(slot, entries)
	if err != nil {
		return transcript.Released{}, fmt.Errorf("slot %d of %d: %w", slot, entries, err)
	}
	at := map[compact.NodeID]int{}
	for i, id := range nodes.IDs {
		at[id] = i
	}
	hashes := make([][]byte, len(nodes.IDs))
	visit := func(id compact.NodeID, hash []byte) {
		if i, ok := at[id]; ok {
			hashes[i] = hash
		}
	}
	var found transcript.Released
	tree := newRootTree()
	if err := s.each(root, func(handle string, template transcript.Digest) error {
		if tree.End() == slot {
			found = transcript.Released{Handle: handle, Entry: s.salts.salt("handle", handle), Template: template}
		}
		return tree.Append(s.salts.leaf(handle, template).Hash(), visit)
	}); err != nil {
		return transcript.Released{}, err
	}
	if got, err := tree.root(); err != nil || got != root || tree.End() != entries {
		return transcript.Released{}, fmt.Errorf("%s: %w", s.path(root), errSlots)
	}
	path, err := nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return transcript.Released{}, err
	}
	for _, h := range path {
		found.Path = append(found.Path, transcript.Digest(h))
	}
	return found, nil
}

// each reads the entries of a state in slot order.
func (s *slotStore) each(root transcript.Digest, f func(handle string, template transcript.Digest) error) error {
	file, err := os.Open(s.path(root))
	if err != nil {
		return err
	}
	defer file.Close()
	bad := fmt.Errorf("%s: %w", file.Name(), errSlots)
	in := bufio.NewReaderSize(file, 64<<10)
	head := make([]byte, len(slotsTitle)+slotsID)
	if _, err := io.ReadFull(in, head); err != nil || string(head[:len(slotsTitle)]) != slotsTitle {
		return bad
	}
	aead, err := s.seal(head[len(slotsTitle):])
	if err != nil {
		return err
	}
	for number := uint64(0); ; number++ {
		var length [4]byte
		if _, err := io.ReadFull(in, length[:]); errors.Is(err, io.EOF) {
			return nil // cut off between chunks: the root shows it
		} else if err != nil {
			return bad
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > slotsSealed {
			return bad
		}
		sealed := make([]byte, n)
		if _, err := io.ReadFull(in, sealed); err != nil {
			return bad
		}
		chunk, err := aead.Open(nil, nil, sealed, binary.BigEndian.AppendUint64(nil, number))
		if err != nil {
			return bad
		}
		for len(chunk) > 0 {
			end := 1 + int(chunk[0])
			if len(chunk) < end+len(transcript.Digest{}) {
				return bad
			}
			handle, template := string(chunk[1:end]), transcript.Digest(chunk[end:end+32])
			if err := f(handle, template); err != nil {
				return err
			}
			chunk = chunk[end+32:]
		}
	}
}

// touch notes that a session is granted with a state now.
func (s *slotStore) touch(root transcript.Digest) error {
	at := time.Now()
	return os.Chtimes(s.path(root), at, at)
}

// prune removes the states of which no session was granted since a time, but for the
// current one, and what killed writers have left behind by then.
func (s *slotStore) prune(current transcript.Digest, since time.Time) error {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		ours := strings.HasPrefix(f.Name(), slotsTemp) || len(f.Name()) == len(current.String())
		if !ours || f.Name() == current.String() || info.ModTime().After(since) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
