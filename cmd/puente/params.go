package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
)

var paramsCommand = &cli.Command{
	Name: "params", Usage: "show schemes with their layout, security and noise budget", ArgsUsage: "[SCHEME...]",
	Description: "Without arguments it shows the named schemes. SCHEME is a name or a text like\n" +
		"vector:512:norm=63:theta=1191. Every figure is computed from the parameters: a set that misses 128-bit\n" +
		"security, hiding of 2^-40 or a failure probability of 2^-128 cannot be constructed.",
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "entries", Usage: "`NUMBER` of watchlist entries for which the layout is chosen", Value: 100_000},
		jsonFlag,
	},
	Action: func(c *cli.Context) error {
		if n := c.Int("entries"); n < 1 || n > protocol.MaxEntries {
			return usagef("--entries %d: allowed are 1 to %d", n, protocol.MaxEntries)
		}
		var named []templates.Named
		for _, text := range c.Args().Slice() {
			s, err := templates.SchemeByName(text)
			if err != nil {
				return usageError(err)
			}
			named = append(named, templates.Named{Name: text, Scheme: s})
		}
		if len(named) == 0 {
			named = templates.Schemes()
		}
		views := make([]paramsView, 0, len(named))
		for _, n := range named {
			v, err := viewParams(n, c.Int("entries"))
			if err != nil {
				return usagef("%s: %w", n.Name, err)
			}
			views = append(views, v)
		}
		if c.Bool("json") {
			return writeJSON(c, map[string]any{"schemes": views})
		}
		showParams(c, views)
		return nil
	},
}

// budgetView is the account of one message direction.
type budgetView struct {
	Degree        int     `json:"degree"`
	LogQ          float64 `json:"log2_q"`
	MaxLogQ       float64 `json:"max_log2_q_for_128_bit_security"`
	PlaintextBits float64 `json:"plaintext_bits"`
	NoiseBits     float64 `json:"noise_bits"`
	FloodBits     int     `json:"flood_bits"`
	HidingBits    float64 `json:"hiding_bits"`
	FailureLog2   float64 `json:"failure_log2"`
	UploadBits    int     `json:"upload_bits_per_coefficient"`
	DroppedBits   int     `json:"dropped_bits"`
	AnswerABits   int     `json:"answer_a_bits_per_coefficient"`
	AnswerBBits   int     `json:"answer_b_bits_per_coefficient"`
}

type paramsView struct {
	Name          string     `json:"name"`
	Scheme        string     `json:"scheme"`
	Threshold     float64    `json:"threshold"`
	Parameters    string     `json:"parameters"`
	ScoreBits     int        `json:"score_bits"`
	Levels        int        `json:"levels"`
	Planes        []uint64   `json:"plane_moduli"`
	BlockWidth    int        `json:"block_width"`
	Blocks        int        `json:"blocks"`
	PerCiphertext int        `json:"entries_per_ciphertext"`
	Score         budgetView `json:"score"`
	Compare       budgetView `json:"compare"`
}

func viewParams(n templates.Named, entries int) (paramsView, error) {
	layout := n.Scheme.BestLayout(he.Degree, entries)
	p, err := protocol.Params(n.Scheme, layout)
	if err != nil {
		return paramsView{}, err
	}
	account := func(degree int, b he.Budget) budgetView {
		return budgetView{degree, b.LogQ, b.MaxLogQ, b.LogT, b.NoiseBits, b.FloodBits, b.HidingBits, b.FailureLog2, b.UploadBits, b.DroppedBits, b.MaskBits, b.MessageBits}
	}
	_, planes := p.LaneModuli(p.Lanes())
	return paramsView{
		Name: n.Name, Scheme: n.Scheme.String(), Threshold: n.Scheme.Threshold(), Parameters: p.Name(),
		ScoreBits: p.ScoreBits, Levels: p.HitBits, Planes: planes,
		BlockWidth: layout.Width, Blocks: layout.Blocks, PerCiphertext: layout.PerCiphertext,
		Score: account(he.Degree, p.Score), Compare: account(he.LaneDegree, p.Compare),
	}, nil
}

func showParams(c *cli.Context, views []paramsView) {
	t := newTable(c, "scheme", "k", "levels", "blocks", "entries/ct", "lanes",
		"step", "n", "log2 q", "noise", "flood", "hiding", "failure", "up", "down a+b")
	for i, v := range views {
		if i > 0 {
			t.AppendSeparator()
		}
		for j, b := range []budgetView{v.Score, v.Compare} {
			row := []any{"", "", "", "", "", "", "compare"}
			if j == 0 {
				row = []any{v.Name, v.ScoreBits, v.Levels, fmt.Sprintf("%d x %d", v.Blocks, v.BlockWidth), v.PerCiphertext,
					fmt.Sprintf("%d x %d", len(v.Planes), he.LaneDegree), "score"}
			}
			t.AppendRow(append(row, b.Degree, fmt.Sprintf("%.1f of %.0f", b.LogQ, b.MaxLogQ), fmt.Sprintf("2^%.1f", b.NoiseBits), fmt.Sprintf("2^%d", b.FloodBits),
				fmt.Sprintf("2^-%.1f", b.HidingBits), fmt.Sprintf("2^%.0f", b.FailureLog2),
				b.UploadBits, fmt.Sprintf("%d+%d", b.AnswerABits, b.AnswerBBits)))
		}
	}
	t.Render()
	fmt.Fprintf(c.App.Writer, "log2 q: bits of the modulus, of those allowed for 128-bit classical security (ePrint 2024/463).\n"+
		"hiding: statistical distance per coefficient, at most 2^-%d allowed. failure: wrong decryption of one coefficient, at most 2^%d.\n"+
		"up, down: bits on the wire per coefficient.\n", he.MinHidingBits, he.MaxFailureLog2)
}
