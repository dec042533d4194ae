package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/puente-project/puente/bench/ckks"
	"github.com/puente-project/puente/bench/suite"
)

const docs = "../../docs"

// names have digits and are no figures.
var names = []string{"AVX-512", "AVX2", "2020/1533", "2019/1234", "2003.12197", "2604.00546", "10.56553/popets-2025-0146"}

func withoutNames(text string) string {
	for _, name := range names {
		text = strings.ReplaceAll(text, name, "")
	}
	return text
}

// TestTemplateHasNoFigures: what a hand wrote has no digits but in names.
func TestTemplateHasNoFigures(t *testing.T) {
	hand := withoutNames(regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(pageText, ""))
	if found := regexp.MustCompile(`.{0,30}\d.{0,30}`).FindAllString(hand, -1); found != nil {
		t.Errorf("figures in the prose of the template: %q", found)
	}
	if len(hand) < 2000 {
		t.Errorf("only %d characters of prose were seen", len(hand))
	}
}

// results reads the committed results.
func results(t *testing.T) []byte {
	data, err := os.ReadFile(filepath.Join(docs, resultsFile))
	if err != nil {
		t.Fatalf("%v; make bench-report writes it", err)
	}
	return data
}

// TestPagesAreOfResults: page and plots are those of the JSON beside them, of a full run,
// and without a wrong decision of the product.
func TestPagesAreOfResults(t *testing.T) {
	data := results(t)
	files, err := pages(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if have, err := os.ReadFile(filepath.Join(docs, name)); err != nil || string(have) != string(want) {
			t.Errorf("docs/%s is not made of docs/%s (%v); run go run ./bench/report -render", name, resultsFile, err)
		}
	}
	r, err := suite.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if r.Quick || len(r.Comparisons) != 2 {
		t.Error("the results are of a quick run; make bench-report measures")
	}
	for _, c := range r.Comparisons {
		if wrong := c.Contenders[1].Wrong; wrong != 0 {
			t.Errorf("%d wrong decisions at %d dimensions", wrong, c.Dims)
		}
	}
	for _, m := range r.Manifests {
		if m.DecisionMismatches != 0 {
			t.Errorf("%d wrong decisions in sessions of %d probes", m.DecisionMismatches, m.Probes)
		}
	}
	for _, s := range r.Scaling {
		for _, p := range s.Points {
			if p.Wrong != 0 {
				t.Errorf("%d wrong decisions in the series of %s", p.Wrong, s.Name)
			}
		}
	}
}

// TestFiguresAreOfResults: every number on the page is one of the JSON.
func TestFiguresAreOfResults(t *testing.T) {
	data := results(t)
	files, err := pages(data)
	if err != nil {
		t.Fatal(err)
	}
	page := withoutNames(string(files["BENCHMARKS.md"]))
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{number(ckks.Saturated): true, count(ckks.SecurityBits): true}
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, v := range v {
				collect(v)
			}
		case []any:
			for _, v := range v {
				collect(v)
			}
		case string:
			if len(v) > 3 { // a commit, a processor, a parameter set
				page = strings.ReplaceAll(page, v, "")
			}
		case float64:
			scaled, err := size(v)
			if err != nil {
				t.Fatal(err)
			}
			known[number(v)], known[count(int(v))] = true, true
			known[scaled[:strings.LastIndex(scaled, " ")]] = true
			text, _ := json.Marshal(v)
			known[string(text)] = true
		}
	}
	collect(tree)
	figures := regexp.MustCompile(`\d+(?: \d{3})*(?:\.\d+)?`).FindAllString(page, -1)
	for _, figure := range figures {
		if !known[figure] {
			t.Errorf("%q is on the page and not among the results", figure)
		}
	}
	if len(figures) < 300 {
		t.Errorf("only %d figures were seen", len(figures))
	}
}

func TestRefusals(t *testing.T) {
	good := string(results(t))
	for name, data := range map[string]string{
		"nothing":        "",
		"another format": strings.Replace(good, `"format": 2`, `"format": 9`, 1),
		"no product":     strings.Replace(good, `"kind": "puente"`, `"kind": "other"`, 1),
		"another series": strings.Replace(good, `"name": "dims"`, `"name": "sizes"`, 1),
		"no precision":   strings.Replace(good, `"precision": {`, `"precision": null, "wrong": {`, 1),
	} {
		if _, err := pages([]byte(data)); err == nil || !strings.Contains(err.Error(), "make bench-report") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := run(docs, true, false, 1); err == nil || !strings.Contains(err.Error(), "-docs") {
		t.Errorf("a quick run into docs: %v", err)
	}
	if err := run(t.TempDir(), false, true, 1); err == nil || !strings.Contains(err.Error(), "-render") {
		t.Errorf("rendering nothing: %v", err)
	}
}

func TestRender(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, resultsFile), results(t), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, false, true, 1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"BENCHMARKS.md", "plots/contenders.svg", "plots/entries.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormats(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 0.012345: "0.0123", 99.96: "100", 12.34: "12.3", 1234.5: "1 235", 8450000: "8 450 000", -2.5: "-2.5"} {
		if got := number(v); got != want {
			t.Errorf("number(%g) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{12: "12 B", 1500: "1.5 kB", 20.4e6: "20.4 MB", 2e9: "2 GB"} {
		if got, err := size(v); err != nil || got != want {
			t.Errorf("size(%g) = %q, want %q", v, got, want)
		}
	}
	if _, err := size("12"); err == nil {
		t.Error("a text has a size")
	}
}

// TestProductIsWithoutBaselines: the product links neither the baselines nor Lattigo's CKKS.
func TestProductIsWithoutBaselines(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../cmd/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	list := string(out)
	for _, no := range []string{"/bench/ckks", "/bench/suite", "/lattigo/v5/schemes/ckks", "/lattigo/v5/he/hefloat"} {
		if strings.Contains(list, no) {
			t.Errorf("the product links %s", no)
		}
	}
	if !strings.Contains(list, "puente/bench\n") {
		t.Error("the list of packages is not that of the product")
	}
}
