package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/puente-project/puente/templates/calibration"
)

var (
	genuineColour   = color.RGBA{R: 0x1b, G: 0x7a, B: 0x3d, A: 0xff}
	impostorColour  = color.RGBA{R: 0xb0, G: 0x2a, B: 0x2a, A: 0xff}
	thresholdColour = color.RGBA{A: 0xff}
)

// plotReport draws the distributions with the threshold, and the DET curve, as SVG.
func plotReport(r *calibration.Report) ([]byte, error) {
	distributions, err := plotDistributions(r)
	if err != nil {
		return nil, err
	}
	det, err := plotDET(r)
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(26*vg.Centimeter, 11*vg.Centimeter)
	all := draw.New(canvas)
	margin, middle := 4*vg.Millimeter, all.Rectangle.Max.X/2
	distributions.Draw(draw.Crop(all, margin, -middle-margin, margin, -margin))
	det.Draw(draw.Crop(all, middle+margin, -margin, margin, -margin))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func plotDistributions(r *calibration.Report) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d genuine, %d impostor pairs", r.Genuine, r.Impostor)
	p.X.Label.Text, p.Y.Label.Text = r.Measure+", best of all rotations", "share of pairs in a bin"
	p.Legend.Top = true
	p.Legend.Left = r.Measure == "similarity"
	top := 0.0
	for _, class := range []struct {
		name   string
		h      calibration.Histogram
		colour color.Color
	}{{"genuine", r.GenuineHistogram, genuineColour}, {"impostor", r.ImpostorHistogram, impostorColour}} {
		points, most := steps(class.h)
		top = max(top, most)
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color = class.colour
		p.Add(line)
		p.Legend.Add(class.name, line)
	}
	at, name := r.Given.Threshold, "threshold given"
	if rec := r.Recommendation; rec != nil && rec.Threshold != nil {
		at, name = rec.Threshold.Threshold, "threshold recommended"
		if !rec.Supported {
			name = "loosest without false match"
		}
	}
	line, err := plotter.NewLine(plotter.XYs{{X: at, Y: 0}, {X: at, Y: top}})
	if err != nil {
		return nil, err
	}
	line.Color, line.Dashes = thresholdColour, []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(line)
	p.Legend.Add(fmt.Sprintf("%s %.4f", name, at), line)
	p.Y.Max = 1.25 * top // room for the legend
	return p, nil
}

// steps draws a histogram as a line of shares, and gives the greatest.
func steps(h calibration.Histogram) (plotter.XYs, float64) {
	total := int64(0)
	for _, n := range h.Counts {
		total += n
	}
	width, most := (h.High-h.Low)/float64(len(h.Counts)), 0.0
	var points plotter.XYs
	for i, n := range h.Counts {
		share := float64(n) / float64(max(total, 1))
		most = max(most, share)
		x := h.Low + float64(i)*width
		points = append(points, plotter.XY{X: x, Y: share}, plotter.XY{X: x + width, Y: share})
	}
	return points, most
}

// plotDET draws FNMR over FMR, both on logarithmic axes. A rate of zero has no place
// there and stands at a tenth of the least that could be counted.
func plotDET(r *calibration.Report) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("detection error trade-off, EER %s", rateText(r.EERValue))
	p.X.Label.Text, p.Y.Label.Text = "FMR", "FNMR"
	low := [2]float64{0.1 / float64(r.Impostor), 0.1 / float64(r.Genuine)}
	var points, equal plotter.XYs
	for _, d := range r.DET {
		points = append(points, plotter.XY{X: max(d.FMR, low[0]), Y: max(d.FNMR, low[1])})
	}
	equal = plotter.XYs{{X: max(low[0], low[1]), Y: max(low[0], low[1])}, {X: 1, Y: 1}}
	for _, axis := range []struct {
		a   *plot.Axis
		low float64
	}{{&p.X, low[0]}, {&p.Y, low[1]}} {
		axis.a.Scale, axis.a.Tick.Marker = plot.LogScale{}, decades{}
		axis.a.Min, axis.a.Max = math.Pow(10, math.Floor(math.Log10(axis.low))), 1
	}
	for _, curve := range []struct {
		xy     plotter.XYs
		colour color.Color
		dashes []vg.Length
	}{{points, impostorColour, nil}, {equal, thresholdColour, []vg.Length{vg.Points(1), vg.Points(3)}}} {
		if len(curve.xy) == 0 {
			continue
		}
		line, err := plotter.NewLine(curve.xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Dashes = curve.colour, curve.dashes
		p.Add(line)
	}
	p.Add(plotter.NewGrid())
	return p, nil
}

// decades marks powers of ten.
type decades struct{}

// Ticks gives the powers of ten from low to high.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Round(math.Log10(low)); e <= math.Round(math.Log10(high)); e++ {
		label := "1"
		if e < 0 {
			label = fmt.Sprintf("1e%.0f", e)
		}
		ticks = append(ticks, plot.Tick{Value: math.Pow(10, e), Label: label})
	}
	return ticks
}
