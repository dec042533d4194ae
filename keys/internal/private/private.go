// Package private reads the files that hold secrets and refuses those that other
// users of the machine could read or write.
package private

import (
	"errors"
	"fmt"
	"io"
	"os"
)

var (
	// ErrPermissions: a secret's file can be read or written by other users.
	ErrPermissions = errors.New("file is accessible to other users")
	// ErrTooLong: the file is longer than any that is meant here.
	ErrTooLong = errors.New("file is too long")
)

// Read reads a file of at most limit bytes (else ErrTooLong) that has no
// permission bits for group and others (else ErrPermissions).
func Read(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat() // of the open file, so that it cannot be exchanged in between
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		return nil, fmt.Errorf("%s is a directory", path)
	}
	if mode := fi.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w (mode %04o): run chmod 600", path, ErrPermissions, mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%s: %w, more than %d bytes", path, ErrTooLong, limit)
	}
	return data, nil
}
