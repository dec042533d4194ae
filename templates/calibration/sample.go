package calibration

import (
	"fmt"

	"github.com/puente-project/puente/templates"
)

// Sample is a template of a known person.
type Sample struct {
	Template templates.Template
	// Person says whose it is: any text of 1 to MaxLabel bytes. Samples with the
	// same text are of the same person.
	Person string
	// Part says which of several: left or right eye, or which finger; empty if there
	// is one only.
	Part string
}

// people are the samples with their labels as numbers, in the order of appearance.
type people struct {
	person, part []int32 // by sample
	samples      []int64 // by person: number of samples
	genuine      []int64 // by person: number of genuine pairs
	total        int64   // of genuine pairs
	leftOut      int64   // pairs of one person but different parts
}

func census(s templates.Scheme, samples []Sample) (*people, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(samples) > MaxSamples {
		return nil, fail(ErrTooMany, "%d templates; at most %d are compared: leave out some people", len(samples), MaxSamples)
	}
	p := &people{}
	persons, parts := map[string]int32{}, map[string]int32{}
	number := func(m map[string]int32, label string) int32 {
		n, known := m[label]
		if !known {
			n = int32(len(m))
			m[label] = n
		}
		return n
	}
	type instance struct{ person, part int32 }
	seen := map[instance]int64{}
	for i, sample := range samples {
		if err := s.Check(sample.Template); err != nil {
			return nil, fmt.Errorf("template %d: %w", i+1, err)
		}
		if len(sample.Person) < 1 || len(sample.Person) > MaxLabel || len(sample.Part) > MaxLabel {
			return nil, fail(ErrSamples, "template %d: the label of a person needs 1 to %d bytes", i+1, MaxLabel)
		}
		in := instance{number(persons, sample.Person), number(parts, sample.Part)}
		p.person, p.part = append(p.person, in.person), append(p.part, in.part)
		if int(in.person) == len(p.samples) {
			p.samples, p.genuine = append(p.samples, 0), append(p.genuine, 0)
		}
		p.leftOut += p.samples[in.person] - seen[in]
		p.genuine[in.person] += seen[in]
		p.total += seen[in]
		p.samples[in.person]++
		seen[in]++
	}
	switch {
	case len(p.samples) < 2:
		return nil, fail(ErrSamples, "templates of at least two people are needed for impostor pairs, there are %d of %d: check the labels", len(samples), len(p.samples))
	case p.total == 0:
		return nil, fail(ErrSamples, "no person has two templates of the same eye or finger, so there is no genuine pair and no FNMR: add a second capture, or check the labels")
	case p.total > MaxGenuine:
		return nil, fail(ErrTooMany, "%d genuine pairs; at most %d are counted: give fewer captures of each person", p.total, MaxGenuine)
	}
	return p, nil
}

// impostors is the number of pairs of two people.
func (p *people) impostors() int64 {
	n := int64(len(p.person))
	return n*(n-1)/2 - p.total - p.leftOut
}
