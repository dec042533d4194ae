package keys

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Memory is a Store that forgets: for measurements and tests. The zero value is empty
// and ready. It must not be copied.
type Memory struct {
	mu    sync.Mutex
	seeds map[string]Seed
}

// Seed implements Store.
func (m *Memory) Seed(_ context.Context, name string) (Seed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seeds[name]
	if !ok {
		return Seed{}, fmt.Errorf("seed %q: %w", name, ErrNotFound)
	}
	return s, nil
}

// Create implements Store.
func (m *Memory) Create(_ context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seeds[name]; ok {
		return fmt.Errorf("seed %q: %w", name, ErrExists)
	}
	if m.seeds == nil {
		m.seeds = map[string]Seed{}
	}
	m.seeds[name] = NewSeed()
	return nil
}

// Names implements Store.
func (m *Memory) Names(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.seeds)), nil
}

// Format writes no seed for any verb.
func (m *Memory) Format(f fmt.State, _ rune) { fmt.Fprint(f, "keys.Memory") }
