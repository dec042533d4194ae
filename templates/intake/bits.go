package intake

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/puente-project/puente/templates"
)

// maskSuffix ends the name of the file that holds the mask of a code.
const maskSuffix = ".mask"

// bits reads a file of raw iris bits.
func (in *intake) bits(file string, src io.Reader) {
	at := Origin{File: file}
	if strings.HasSuffix(file, maskSuffix) {
		if !in.codes.has(file) {
			in.refuse(at, Unreadable, errors.New("a mask without its code"))
		}
		return // it is read with its code
	}
	data, err := readSmall(src)
	if err != nil {
		in.refuse(at, classOf(err), err)
		return
	}
	code, mask, ok := templates.SplitBits(in.Read.Shape, data)
	if !ok {
		if code = data; file == Stdin {
			err = fmt.Errorf("%w: stdin must hold code and mask, both packed", templates.ErrFormat)
		} else if mask, err = readMask(file); err != nil {
			err = fmt.Errorf("the code has no mask: %w", err)
		}
		if err != nil {
			in.refuse(at, classOf(err), err)
			return
		}
	}
	iris, err := templates.DecodeBits(in.Read.Shape, code, mask, in.Read.Noise)
	if err != nil {
		in.refuse(at, classOf(err), err)
		return
	}
	in.take(file, templates.Record{Template: iris, Number: 1}, true)
}

// readMask reads the mask beside a code.
func readMask(file string) ([]byte, error) {
	f, err := os.Open(strings.TrimSuffix(file, filepath.Ext(file)) + maskSuffix)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSmall(f)
}

// codes are the stems of the files of one folder that are no masks.
type codes struct {
	folder string
	stems  map[string]bool
}

// has reports whether a mask has a file of the same name and another ending, or
// none, beside it. It reads a folder once as long as its files come one after the
// other.
func (c *codes) has(mask string) bool {
	folder, name := filepath.Split(mask)
	if c.stems == nil || c.folder != folder {
		c.folder, c.stems = folder, map[string]bool{}
		entries, _ := os.ReadDir(filepath.Dir(mask)) // what cannot be listed has no codes
		for _, e := range entries {
			if n := e.Name(); !e.IsDir() && !strings.HasSuffix(n, maskSuffix) {
				c.stems[strings.TrimSuffix(n, filepath.Ext(n))] = true
			}
		}
	}
	return c.stems[strings.TrimSuffix(name, maskSuffix)]
}

// readSmall reads a whole file of bounded size.
func readSmall(src io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(src, maxSmallFile+1))
	if err == nil && len(data) > maxSmallFile {
		err = fmt.Errorf("%w: the file has more than %d bytes", templates.ErrTooLarge, maxSmallFile)
	}
	return data, err
}
