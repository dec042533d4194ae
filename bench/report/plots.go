package main

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/puente-project/puente/bench/suite"
)

// palette tells stages and contenders apart (Okabe and Ito, "Color universal design",
// 2008, which most colour-blind people can tell apart too).
var palette = []color.Color{
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
	color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}, color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
	color.RGBA{R: 0xf0, G: 0xe4, B: 0x42, A: 0xff}, color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff},
}

// plots draws everything, by name in the folder of the documents.
func plots(r *suite.Report) (map[string][]byte, error) {
	files := map[string][]byte{}
	add := func(name string, p *plot.Plot, err error) error {
		if err != nil {
			return fmt.Errorf("plot of %s: %w", name, err)
		}
		canvas := vgsvg.New(22*vg.Centimeter, 10*vg.Centimeter)
		p.Draw(draw.Crop(draw.New(canvas), 4*vg.Millimeter, -4*vg.Millimeter, 4*vg.Millimeter, -4*vg.Millimeter))
		var b bytes.Buffer
		_, err = canvas.WriteTo(&b)
		files["plots/"+name+".svg"] = b.Bytes()
		return err
	}
	for _, series := range r.Scaling {
		var p *plot.Plot
		var err error
		switch series.Name {
		case "entries":
			p, err = stages(series, "entries", func(p suite.Point) string { return count(p.Entries) })
		case "dims":
			p, err = stages(series, "dimensions", func(p suite.Point) string { return count(p.Dims) })
		case "shifts":
			p, err = stages(series, "rotations", func(p suite.Point) string { return count(p.Shifts) })
		case "threads":
			p, err = speed(series)
		default:
			continue
		}
		if err := add(series.Name, p, err); err != nil {
			return nil, err
		}
	}
	p, err := contenders(r, "CPU microseconds per entry", []figure{{"", func(c suite.Contender) suite.Spread { return c.PerEntry }}})
	if err := add("contenders", p, err); err != nil {
		return nil, err
	}
	same := func(v float64) suite.Spread { return suite.Spread{Median: v, Q1: v, Q3: v} }
	p, err = contenders(r, "bytes per entry", []figure{
		{"held in memory, ", func(c suite.Contender) suite.Spread { return same(c.ResidentPerEntry) }},
		{"sent beside the probe, ", func(c suite.Contender) suite.Spread { return same(c.BytesUpPerEntry + c.BytesDown) }},
	})
	return files, add("bytes", p, err)
}

// newPlot is a plot with labels and the legend above right.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.Top, p.Legend.Padding = true, vg.Points(2)
	return p
}

// stages stacks the times of the stages for each point.
func stages(s suite.Series, label string, of func(suite.Point) string) (*plot.Plot, error) {
	p := newPlot(label, "CPU microseconds per entry")
	width := vg.Points(36)
	var below *plotter.BarChart
	top := 0.0
	for i, stage := range s.Points[0].Stages {
		var values plotter.Values
		for _, point := range s.Points {
			if len(point.Stages) != len(s.Points[0].Stages) {
				return nil, fmt.Errorf("points have different stages")
			}
			values = append(values, point.Stages[i].PerEntry.Median)
		}
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, err
		}
		bars.Color, bars.LineStyle.Width = palette[i%len(palette)], 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		p.Legend.Add(stage.Name, bars)
	}
	var names []string
	for _, point := range s.Points {
		names, top = append(names, of(point)), max(top, point.PerEntry.Q3)
	}
	p.NominalX(names...)
	p.X.Max += 1.5 // room for the legend
	p.Y.Min, p.Y.Max = 0, 1.1*top
	return p, nil
}

// speed draws wall times by threads, in relation to the first point of the same templates.
func speed(s suite.Series) (*plot.Plot, error) {
	p := newPlot("threads", "wall time in relation to one thread")
	var names []string
	lines := map[string]plotter.XYs{}
	first := map[string]float64{}
	for _, point := range s.Points {
		name := what(point)
		if _, seen := first[name]; !seen {
			first[name] = point.Wall.Median
			names = append(names, name)
		}
		lines[name] = append(lines[name], plotter.XY{X: float64(point.Threads), Y: point.Wall.Median / first[name]})
	}
	for i, name := range names {
		line, dots, err := plotter.NewLinePoints(lines[name])
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color, dots.Shape = palette[i%len(palette)], palette[i%len(palette)], draw.CircleGlyph{}
		p.Add(line, dots)
		p.Legend.Add(name, line, dots)
		for _, point := range lines[name] {
			p.X.Max = max(p.X.Max, point.X+.5)
		}
	}
	ideal := plotter.NewFunction(func(threads float64) float64 { return 1 / threads })
	ideal.Dashes = []vg.Length{vg.Points(2), vg.Points(3)}
	p.Add(ideal)
	p.Legend.Add("ideal", ideal)
	p.X.Min, p.X.Tick.Marker = .9, whole{}
	p.Y.Min, p.Y.Max = 0, max(p.Y.Max, 1.5)
	return p, nil
}

// whole marks whole numbers.
type whole struct{}

// Ticks gives the whole numbers from low to high.
func (whole) Ticks(low, high float64) (ticks []plot.Tick) {
	for v := int(low) + 1; float64(v) <= high; v++ {
		ticks = append(ticks, plot.Tick{Value: float64(v), Label: count(v)})
	}
	return ticks
}

// figure is something that contenders have.
type figure struct {
	name string
	of   func(suite.Contender) suite.Spread
}

// contenders draws figures of all contenders as dots on a logarithmic axis, with the
// quartiles. Contenders stand in the order of the first comparison; a figure of zero has no
// dot.
func contenders(r *suite.Report, label string, figures []figure) (*plot.Plot, error) {
	p := newPlot(label, "")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	var names []string
	for _, c := range r.Comparisons[0].Contenders {
		names = append([]string{contenderName(c)}, names...)
	}
	series := 0
	for _, f := range figures {
		for _, comparison := range r.Comparisons {
			var points struct {
				plotter.XYs
				plotter.XErrors
			}
			for i, c := range comparison.Contenders {
				v := f.of(c)
				if v.Median <= 0 {
					continue
				}
				// Series stand below each other, so that none is hidden.
				y := float64(len(names)-1-i) - .12*float64(series)
				points.XYs = append(points.XYs, plotter.XY{X: v.Median, Y: y})
				points.XErrors = append(points.XErrors, struct{ Low, High float64 }{v.Q1 - v.Median, v.Q3 - v.Median})
			}
			dots, err := plotter.NewScatter(points.XYs)
			if err != nil {
				return nil, err
			}
			bars, err := plotter.NewXErrorBars(points)
			if err != nil {
				return nil, err
			}
			colour := palette[series%len(palette)]
			dots.Color, dots.Shape, dots.Radius, bars.Color = colour, draw.CircleGlyph{}, vg.Points(3.5), colour
			p.Add(bars, dots)
			p.Legend.Add(fmt.Sprintf("%s%s dimensions", f.name, count(comparison.Dims)), dots)
			series++
		}
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max = p.X.Min/1.5, p.X.Max*1.5
	p.Y.Min, p.Y.Max = -.6, float64(len(names))+.2*float64(series)
	p.Add(plotter.NewGrid())
	return p, nil
}
