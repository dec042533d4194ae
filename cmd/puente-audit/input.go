package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit"
)

// inputs are the flags that say what is examined.
type inputs struct {
	parties, keys, agreements list
	at                        string
}

func (i *inputs) register(f *flag.FlagSet) {
	f.Var(&i.parties, "party", "`DIR`[,DIR] of one or both parties; NAME=DIR if the folder does not say whose it is")
	f.Var(&i.keys, "keys", "`FILE`[,FILE] public.json of both agencies, from a channel that you trust; may be repeated")
	f.Var(&i.agreements, "agreement", "`FILE`[,FILE] every version of the agreement that was in force; may be repeated")
	f.StringVar(&i.at, "at", "", "`TIME` of the audit, as 2025-06-01T12:00:00Z; now if it is not given")
}

// read loads what the auditor brings.
func (i *inputs) read() (audit.Input, error) {
	var in audit.Input
	switch {
	case len(i.parties) == 0:
		return in, usagef("--party is missing: the folder of a party, or of both")
	case len(i.keys) == 0:
		return in, usagef("--keys is missing: the public.json of both agencies")
	case len(i.agreements) == 0:
		return in, usagef("--agreement is missing: the agreement between the parties")
	}
	in.Now = time.Now().UTC().Truncate(time.Second)
	if i.at != "" {
		t, err := time.Parse(time.RFC3339, i.at)
		if err != nil {
			return in, usagef("--at %s is no time like 2025-06-01T12:00:00Z", i.at)
		}
		in.Now = t
	}
	var err error
	if in.Public, err = readKeys(i.keys); err != nil {
		return in, err
	}
	for _, name := range i.agreements {
		data, err := readFile(name, agreement.MaxSize)
		if err != nil {
			return in, err
		}
		a, err := agreement.Parse(data)
		if err != nil {
			return in, fmt.Errorf("%s: %w", name, err)
		}
		in.Agreements = append(in.Agreements, a)
	}
	for _, text := range i.parties {
		p, err := party(text, in.Public)
		if err != nil {
			return in, err
		}
		in.Parties = append(in.Parties, p)
	}
	return in, nil
}

// party reads NAME=DIR or DIR.
func party(text string, public []audit.Public) (audit.Party, error) {
	name, dir, named := strings.Cut(text, "=")
	if !named {
		name, dir = "", text
	}
	if _, err := os.Stat(dir); err != nil {
		return audit.Party{}, err
	}
	if name == "" {
		if name = audit.Owner(dir, public); name == "" {
			return audit.Party{}, usagef("--party %s: neither its log nor its public.json is of an agency in --keys; say NAME=%s", dir, dir)
		}
	}
	return audit.Party{Agency: name, Dir: dir}, nil
}

func readKeys(names []string) ([]audit.Public, error) {
	var all []audit.Public
	for _, name := range names {
		data, err := readFile(name, 4<<20)
		if err != nil {
			return nil, err
		}
		p, err := audit.ParsePublic(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// readFile reads at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrInput, name, err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", audit.ErrInput, name, limit)
	}
	return b, nil
}

// writer is a result that can be printed in both forms.
type writer interface {
	WriteText(io.Writer) error
	WriteJSON(io.Writer) error
}

// print writes a result and turns one that is not clean into errFindings.
func print(out io.Writer, r writer, asJSON, clean bool) error {
	write := r.WriteText
	if asJSON {
		write = r.WriteJSON
	}
	if err := write(out); err != nil {
		return err
	}
	if !clean {
		return errFindings
	}
	return nil
}

// replace writes a file so that either the old or the new content is there.
func replace(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(dirOf(name), ".puente-audit-*")
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInput, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, os.PathSeparator); i >= 0 {
		return name[:i+1]
	}
	return "."
}
