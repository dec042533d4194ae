package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
)

// Config says what to measure.
type Config struct {
	Scheme  templates.Scheme
	Entries int    // 1..protocol.MaxEntries
	Threads int    // operating-system threads that run Go code, 1..1024
	Seed    uint64 // of the synthetic people; keys are always fresh
	// Compact keeps the watchlist in its compact form.
	Compact bool
	// Near is how many entries are put close to the threshold, 0..Entries; the plants
	// stay. Other modalities than vectors allow 0 only.
	Near int
	// Progress, if not nil, is told what is being done and how far it is.
	Progress func(step string, done, total int)
}

// complete returns the configuration with somebody to tell about progress.
func (c Config) complete() Config {
	if c.Progress == nil {
		c.Progress = func(string, int, int) {}
	}
	return c
}

// Stages is the CPU time by stage in microseconds per entry, summed over threads.
type Stages struct {
	MultiplyAccumulate float64 `json:"multiply_accumulate"`
	Rerandomise        float64 `json:"rerandomise"`
	DecryptShares      float64 `json:"decrypt_shares"`
	EncryptPrefixes    float64 `json:"encrypt_prefixes"`
	Compare            float64 `json:"compare"`
	ReadVerdicts       float64 `json:"read_verdicts"`
}

// Result is the outcome of a run. Times are CPU microseconds summed over threads
// unless the name says wall; bytes are protocol messages without framing.
type Result struct {
	Modality   string  `json:"modality"`
	Scheme     string  `json:"scheme"`
	Parameters string  `json:"parameters"`
	Dims       int     `json:"dims"` // coordinates of a vector, bits of an iris code
	Entries    int     `json:"entries"`
	Shifts     int     `json:"shifts"`
	ScoreBits  int     `json:"score_bits"`
	Levels     int     `json:"levels"` // prefix ciphertexts per batch
	BlockWidth int     `json:"block_width"`
	Blocks     int     `json:"blocks"`
	Threads    int     `json:"threads"`
	Seed       uint64  `json:"seed"`
	Threshold  float64 `json:"threshold"`
	Rounds     int     `json:"rounds"` // measured queries, of which the median one is given

	HitsExpected       int `json:"hits_expected"`
	HitsFound          int `json:"hits_found"`
	DecisionMismatches int `json:"decision_mismatches"`

	// TotalPerEntry is the whole CPU time of the process during the query, both
	// parties, with the probe, hashing and garbage collection, divided by entries.
	TotalPerEntry float64 `json:"us_per_entry_total"`
	PerEntry      Stages  `json:"us_per_entry"`
	// ProbeMicros is encrypting and loading the probe, once per query; it is part
	// of the total and of no stage.
	ProbeMicros         float64 `json:"probe_us"`
	SetupPerEntry       float64 `json:"setup_us_per_entry"` // encode the watchlist, once per epoch
	PlaintextPerEntry   float64 `json:"plaintext_us_per_entry"`
	RatioToPlaintext    float64 `json:"ratio_to_plaintext"`
	BytesUpPerEntry     float64 `json:"bytes_per_entry_up"`   // prefixes
	BytesDownPerEntry   float64 `json:"bytes_per_entry_down"` // shares and verdicts
	ProbeBytes          int64   `json:"probe_bytes"`          // once per query: opening, public key, blocks
	ResidentPerEntry    float64 `json:"resident_bytes_per_entry"`
	PeakRSS             int64   `json:"peak_rss_bytes"`
	WallSeconds         float64 `json:"wall_seconds"` // the query alone
	SetupWallSeconds    float64 `json:"setup_wall_seconds"`
	HidingBits          float64 `json:"hiding_bits"`
	FailureLog2         float64 `json:"failure_log2"`
	ProcessorsAvailable int     `json:"processors_available"`
}

// Run enrols a synthetic watchlist in which the probe's person stands at a few slots,
// runs one query and compares each decision with the plaintext matcher. It sets
// GOMAXPROCS to the threads for its duration.
func Run(ctx context.Context, c Config) (Result, error) {
	prepared, err := Prepare(ctx, c)
	if err != nil {
		return Result{}, err
	}
	defer debug.SetGCPercent(protocol.LimitGarbage(prepared.Gallery.Bytes()))
	runtime.GC()
	var rounds []Result
	for begin := time.Now(); len(rounds) == 0 || len(rounds) < maxRounds && time.Since(begin) < enough; {
		round, err := prepared.Round(ctx)
		if err != nil {
			return Result{}, err
		}
		rounds = append(rounds, round)
	}
	r := summary(rounds)
	r.RatioToPlaintext = r.TotalPerEntry / r.PlaintextPerEntry
	r.PeakRSS = peakRSS()
	return r, nil
}

// A short query is repeated: the first round, which meets a cold process, is then left
// out.
const (
	enough    = 2 * time.Second
	maxRounds = 21
)

// judge compares the slots that hit with those of the plaintext matcher.
func (r *Result) judge(hits, expected []int) {
	r.HitsFound = common(hits, expected)
	r.DecisionMismatches = Differing(hits, expected)
}

// Differing counts the slots that are in one of two ascending lists.
func Differing(a, b []int) int { return len(a) + len(b) - 2*common(a, b) }

// common counts the slots that are in both.
func common(a, b []int) int {
	n := 0
	for _, slot := range a {
		if _, found := slices.BinarySearch(b, slot); found {
			n++
		}
	}
	return n
}

// summary returns the round of median total, with the mismatches of all and the fewest
// hits.
func summary(rounds []Result) Result {
	mismatches, found := 0, rounds[0].HitsFound
	for _, r := range rounds {
		mismatches += r.DecisionMismatches
		found = min(found, r.HitsFound)
	}
	if len(rounds) > 1 {
		rounds = rounds[1:]
	}
	slices.SortFunc(rounds, func(a, b Result) int { return cmp.Compare(a.TotalPerEntry, b.TotalPerEntry) })
	r := rounds[len(rounds)/2]
	r.Rounds, r.DecisionMismatches, r.HitsFound = len(rounds), mismatches, found
	return r
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// result fills in what the gallery alone decides.
func result(c Config, g *protocol.Gallery) Result {
	p, l, s := g.Params(), g.Layout(), c.Scheme
	dims := s.Dims
	if s.Modality == templates.ModalityIris {
		dims = s.Shape.Bits()
	}
	return Result{
		Modality: s.Modality.String(), Scheme: s.String(), Parameters: p.Name(), Dims: dims,
		Entries: c.Entries, Shifts: l.Shifts, ScoreBits: p.ScoreBits, Levels: p.HitBits,
		BlockWidth: l.Width, Blocks: l.Blocks, Threads: c.Threads, Seed: c.Seed, Threshold: s.Threshold(),
		ResidentPerEntry: float64(g.Bytes()) / float64(c.Entries),
		HidingBits:       min(p.Score.HidingBits, p.Compare.HidingBits),
		FailureLog2:      max(p.Score.FailureLog2, p.Compare.FailureLog2),

		ProcessorsAvailable: runtime.NumCPU(),
	}
}

// query runs one session and fills in its measurements.
func query(ctx context.Context, c Config, g *protocol.Gallery, probe templates.Template, round uint64, r *Result) ([]int, error) {
	terms := protocol.Terms{Requester: "requester", Holder: "holder", Watchlist: "bench", Scheme: c.Scheme}
	roots := make([]byte, 2*len(he.Seed{}))
	_, _ = rand.Read(roots) // never fails since Go 1.24
	var nonces [2]protocol.Nonce
	binary.BigEndian.PutUint64(nonces[0][:], round)

	var watch stopwatch
	wall, cpu := time.Now(), cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)
	owner, err := protocol.NewKeyOwner(terms, []templates.Template{probe}, he.Seed(roots[:32]), nonces[0], watch.meter)
	if err != nil {
		return nil, err
	}
	requester, holder := pipe()
	pool := transport.NewPool(c.Threads)
	counted := &counter{Stream: requester}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var served error
	var serving sync.WaitGroup
	serving.Go(func() {
		served = func() error {
			evaluator, err := protocol.NewEvaluator(terms, 1, g, he.Seed(roots[32:]), nonces[1], watch.meter)
			if err != nil {
				return err
			}
			_, err = transport.Run(ctx, evaluator, holder, transport.Options{Pool: pool})
			return err
		}()
		if served != nil {
			holder.Abort()
		}
	})
	_, err = transport.Run(ctx, owner, counted, transport.Options{Pool: pool, Progress: func(transport.Stats) {
		c.Progress("match", owner.Progress(), c.Entries)
	}})
	if err != nil {
		cancel(err)
		requester.Abort()
	}
	serving.Wait()
	if err = errors.Join(err, served); err != nil {
		return nil, err
	}
	hits := owner.Hits()[0]
	r.WallSeconds = time.Since(wall).Seconds()
	per := func(d time.Duration) float64 { return micros(d) / float64(c.Entries) }
	r.TotalPerEntry = per(cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID) - cpu)
	r.PerEntry = Stages{
		MultiplyAccumulate: per(watch.stage(protocol.StageMultiplyAccumulate)),
		Rerandomise:        per(watch.stage(protocol.StageRerandomise)),
		DecryptShares:      per(watch.stage(protocol.StageDecryptShares)),
		EncryptPrefixes:    per(watch.stage(protocol.StageEncryptPrefixes)),
		Compare:            per(watch.stage(protocol.StageCompare)),
		ReadVerdicts:       per(watch.stage(protocol.StageReadVerdicts)),
	}
	r.ProbeMicros = micros(watch.stage(protocol.StageEncryptProbe) + watch.stage(protocol.StageLoadProbe))
	r.ProbeBytes = counted.up - counted.prefixes
	r.BytesUpPerEntry = float64(counted.prefixes) / float64(c.Entries)
	r.BytesDownPerEntry = float64(counted.down) / float64(c.Entries)
	return hits, nil
}

// counter counts the bytes that pass the requester's end.
type counter struct {
	transport.Stream
	up, down, prefixes int64 // prefixes are part of up
}

func (s *counter) Send(m []byte) error {
	s.up += int64(len(m))
	if protocol.KindOf(m) == protocol.KindPrefixes {
		s.prefixes += int64(len(m))
	}
	return s.Stream.Send(m)
}

func (s *counter) Receive() ([]byte, error) {
	m, err := s.Stream.Receive()
	s.down += int64(len(m))
	return m, err
}
