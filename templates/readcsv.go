package templates

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// csvSource gives one vector per line of numbers separated by commas.
type csvSource struct {
	in      *bufio.Reader
	options Options
	dims    int
}

func (s *csvSource) next() (Template, error) {
	for {
		line, err := s.line()
		if err != nil {
			return nil, err
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.Count(line, ",") >= MaxDims {
			return nil, fail(ErrFormat, "CSV line has more than %d numbers", MaxDims)
		}
		fields := strings.Split(line, ",")
		if s.dims == 0 {
			s.dims = len(fields)
		}
		if len(fields) != s.dims {
			return nil, fail(ErrFormat, "CSV line has %d numbers, the first has %d", len(fields), s.dims)
		}
		unit := make([]float64, len(fields))
		for i, f := range fields {
			if unit[i], err = strconv.ParseFloat(strings.TrimSpace(f), 64); err != nil {
				// The error of strconv quotes the value.
				return nil, fail(ErrFormat, "CSV field %d is not a number", i+1)
			}
		}
		return quantised(unit, s.options.Norm)
	}
}

// line gives the next line without white space around it, io.EOF after the
// last. The reader below bounds its length.
func (s *csvSource) line() (string, error) {
	line, err := s.in.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}
