package keys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The plain text inside the age file, canonical (parse accepts exactly what
// format writes), names ascending:
//
//	puente-keys/1
//	seed <name> <64 hex digits>
//	...
//	auth <passphrase | identity:<64 hex digits>>
//
// The last line authenticates the lines before it. See unlocker.tag for why
// age alone does not.
const (
	formatHeader = "puente-keys/1\n"
	seedPrefix   = "seed "
	authPrefix   = "auth "

	// MaxSeeds bounds how many seeds one key file may hold. An agency needs a
	// few for itself and one for each watchlist.
	MaxSeeds = 4096

	maxLine  = len(seedPrefix) + MaxName + 1 + 2*SeedSize + 1
	maxPlain = len(formatHeader) + (MaxSeeds+1)*maxLine + len(authPrefix)
	// age adds a header (a post-quantum stanza is about 1.6 kB) and 16 bytes
	// for each 64 KiB.
	maxFile = maxPlain + 16<<10
)

// body returns the lines that the auth line covers.
func body(seeds map[string]Seed) []byte {
	var b bytes.Buffer
	b.WriteString(formatHeader)
	for _, name := range slices.Sorted(maps.Keys(seeds)) {
		seed := seeds[name]
		fmt.Fprintf(&b, "%s%s %s\n", seedPrefix, name, hex.EncodeToString(seed[:]))
	}
	return b.Bytes()
}

// format returns the plain text for seeds; tag authenticates the body.
func format(seeds map[string]Seed, tag func(body []byte) string) []byte {
	b := body(seeds)
	return fmt.Appendf(b, "%s%s\n", authPrefix, tag(b))
}

// parse is the inverse of format. It returns the auth line's value for the
// caller to compare; the seeds must not be used before that.
func parse(plain []byte) (seeds map[string]Seed, auth string, err error) {
	rest, ok := strings.CutPrefix(string(plain), formatHeader)
	if !ok {
		return nil, "", fmt.Errorf("unknown header, want %q: written by another version of puente?", strings.TrimSpace(formatHeader))
	}
	seeds = make(map[string]Seed)
	last := ""
	for {
		line, after, ok := strings.Cut(rest, "\n")
		if !ok {
			return nil, "", errors.New("truncated: the last line does not end")
		}
		if auth, ok := strings.CutPrefix(line, authPrefix); ok {
			if after != "" {
				return nil, "", errors.New("data after the last line")
			}
			return seeds, auth, nil
		}
		name, seed, err := parseSeed(line)
		if err != nil {
			return nil, "", fmt.Errorf("line %d: %w", len(seeds)+2, err)
		}
		if name <= last {
			return nil, "", fmt.Errorf("line %d: name %q is not above the one before it", len(seeds)+2, name)
		}
		if len(seeds) == MaxSeeds {
			return nil, "", fmt.Errorf("more than %d seeds", MaxSeeds)
		}
		seeds[name], last, rest = seed, name, after
	}
}

// parseSeed reads one seed line. Its errors do not quote the line.
func parseSeed(line string) (name string, seed Seed, err error) {
	fields, ok := strings.CutPrefix(line, seedPrefix)
	name, digits, ok2 := strings.Cut(fields, " ")
	if !ok || !ok2 {
		return "", seed, errors.New("neither a seed nor the auth line")
	}
	if err := CheckName(name); err != nil {
		return "", seed, err
	}
	if len(digits) != 2*SeedSize || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", seed, fmt.Errorf("seed %q is not %d lower-case hex digits", name, 2*SeedSize)
	}
	if _, err := hex.Decode(seed[:], []byte(digits)); err != nil {
		return "", seed, fmt.Errorf("seed %q is not hex", name)
	}
	return name, seed, nil
}
