package intake

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// files yields the files that the paths name: a file as it is, a folder's files
// in the order of their names, those of its folders included. In folders, names
// that begin with a dot and those that do not match the pattern are passed over,
// and what is neither a file nor a folder (a symbolic link, a device) is refused.
func files(paths []string, match string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		n := 0
		for _, path := range paths {
			if path == Stdin {
				if !yield(path, nil) {
					return
				}
				continue
			}
			err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
				inFolder := file != path
				switch {
				case err != nil:
					if !yield(file, refuse(Origin{File: file}, File, err)) {
						return errStopped
					}
					return nil
				case inFolder && strings.HasPrefix(d.Name(), "."):
					if d.IsDir() {
						return filepath.SkipDir
					}
					return nil
				case d.IsDir():
					return nil
				}
				if inFolder && match != "" {
					if ok, err := filepath.Match(match, d.Name()); err != nil || !ok {
						return err
					}
				}
				if n++; n > MaxFiles {
					return fmt.Errorf("more than %d files: import them in parts", MaxFiles)
				}
				if err := regular(file, d, inFolder); err != nil {
					if !yield(file, refuse(Origin{File: file}, File, err)) {
						return errStopped
					}
					return nil
				}
				if !yield(file, nil) {
					return errStopped
				}
				return nil
			})
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil && !yield(path, err) {
				return
			}
		}
	}
}

// errStopped ends a walk whose files are not wanted any more.
var errStopped = errors.New("stopped")

// regular reports what is not a plain file. A path given by name may be a link or
// a pipe; what lies in a folder may not lead out of it.
func regular(path string, d fs.DirEntry, inFolder bool) error {
	if inFolder {
		if !d.Type().IsRegular() {
			return errors.New("not a regular file")
		}
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = errors.New("a link to a folder: name the folder itself")
	}
	return err
}

// positionOf completes the position of a finger, 0 if unknown, from the name of the
// file.
func (o Options) positionOf(file string, said minutiae.Finger) (minutiae.Finger, error) {
	if said != 0 || o.Position == nil || file == Stdin {
		return said, nil
	}
	m := o.Position.FindStringSubmatch(filepath.Base(file))
	if len(m) < 2 {
		return 0, fmt.Errorf("%w: the name of the file does not match the pattern %s for the position of the finger", errNoLabel, o.Position)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 1 || n > templates.Fingers {
		return 0, fmt.Errorf("%w: the position of the finger in the name of the file must be 1 to %d", errNoLabel, templates.Fingers)
	}
	return minutiae.Finger(n), nil
}

// labelOf derives whose record a file holds from its name: the first group of the
// pattern, or by default the name without its ending, up to the last underscore.
func labelOf(file string, pattern *regexp.Regexp) (string, error) {
	name := filepath.Base(file)
	if pattern != nil {
		m := pattern.FindStringSubmatch(name)
		if len(m) < 2 || m[1] == "" {
			return "", fmt.Errorf("%w: the name of the file does not match the label pattern %s", errNoLabel, pattern)
		}
		return m[1], nil
	}
	name = strings.TrimSuffix(name, filepath.Ext(name))
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		name = name[:i]
	}
	return name, nil
}
