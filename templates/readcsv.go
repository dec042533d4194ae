package templates

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// csvSource gives one vector per line of numbers separated by commas. A last line
// without an end is refused: cut short within a number, it would read as another
// vector. The reader below bounds the length of lines.
type csvSource struct {
	in      *bufio.Reader
	options Options
	dims    int
	lines   int // read so far
}

func (s *csvSource) next(rec *Record) error {
	for {
		line, err := s.in.ReadString('\n')
		if err != nil && err != io.EOF || line == "" {
			return err
		}
		s.lines++
		rec.Line = s.lines
		ended := strings.HasSuffix(line, "\n")
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !ended {
			return fail(ErrFormat, "the last CSV line has no end; if the file was not cut short, add a line break")
		}
		return skip(s.vector(rec, line))
	}
}

func (s *csvSource) vector(rec *Record, line string) error {
	if strings.Count(line, ",") >= MaxDims {
		return fail(ErrFormat, "CSV line has more than %d numbers", MaxDims)
	}
	fields := strings.Split(line, ",")
	real := make([]float64, len(fields))
	for i, f := range fields {
		var err error
		if real[i], err = strconv.ParseFloat(strings.TrimSpace(f), 64); err != nil {
			// The error of strconv quotes the value.
			return fail(ErrFormat, "CSV field %d is not a number", i+1)
		}
	}
	// The first line that is all numbers says how many there are.
	if s.dims == 0 {
		s.dims = len(fields)
	}
	if len(fields) != s.dims {
		return fail(ErrFormat, "CSV line has %d numbers, the first has %d", len(fields), s.dims)
	}
	return s.options.fill(rec, real)
}
