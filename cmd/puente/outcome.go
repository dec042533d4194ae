package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/puente-project/puente/protocol/transcript"
)

// Files that the requester keeps for itself beside the evidence of a session. None of them
// is exported to auditors.
const (
	outcomeFile = "outcome" // hit, if any probe does, or no-hit
	caseFile    = "case"    // salt and reference of the case: deleting it erases the reference
	hitsFile    = "hits"    // a probeHit a line; deleting it erases the names of probes
)

// probeHit is a slot that a probe of a session hit. As a line it is number, slot and, if the
// session had several probes, the name as a Go string. Names are kept of probes that hit,
// and only to tell them apart.
type probeHit struct {
	number int // of the probe in the session, from 1
	slot   uint64
	name   string // of the probe, "" if it was the only one
}

func (h probeHit) String() string {
	if h.name == "" {
		return fmt.Sprintf("%d %d", h.number, h.slot)
	}
	return fmt.Sprintf("%d %d %q", h.number, h.slot, h.name)
}

func parseProbeHit(line string) (h probeHit, err error) {
	number, rest, _ := strings.Cut(line, " ")
	slot, name, named := strings.Cut(rest, " ")
	if h.number, err = strconv.Atoi(number); err == nil {
		h.slot, err = strconv.ParseUint(slot, 10, 64)
	}
	if err == nil && named {
		h.name, err = strconv.Unquote(name)
	}
	return h, err
}

// keepOutcome writes down what the requester alone knows: the slots that hit, by probe, and
// the probes' names. The outcome comes last: with it the session can be logged, and claimed.
func keepOutcome(dir string, hits [][]int, names []string, salt []byte, reference string) error {
	if reference != "" {
		if err := keepCase(dir, salt, reference); err != nil {
			return err
		}
	}
	var lines []byte
	for i, slots := range hits {
		h := probeHit{number: i + 1}
		if len(hits) > 1 {
			h.name = names[i]
		}
		for _, slot := range slots {
			h.slot = uint64(slot)
			lines = append(append(lines, h.String()...), '\n')
		}
	}
	outcome := transcript.OutcomeNoHit
	if len(lines) > 0 {
		outcome = transcript.OutcomeHit
		if err := writeFile(nil, filepath.Join(dir, hitsFile), lines); err != nil {
			return err
		}
	}
	return writeFile(nil, filepath.Join(dir, outcomeFile), []byte(outcome+"\n"))
}

// readHits returns the hits of a session.
func readHits(dir string) ([]probeHit, error) {
	path := filepath.Join(dir, hitsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var hits []probeHit
	for line := range strings.Lines(string(text)) {
		h, err := parseProbeHit(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, inputf("%s: line %d is damaged; puente replay of this side shows what hit", path, len(hits)+1)
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// keepCase keeps what the hash of a case's reference hides.
func keepCase(dir string, salt []byte, reference string) error {
	return writeFile(nil, filepath.Join(dir, caseFile), fmt.Appendf(nil, "%x %s\n", salt, reference))
}
