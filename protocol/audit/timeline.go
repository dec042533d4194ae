package audit

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"
)

// Sizes of the timeline in the units of its view box.
const (
	chartWidth = 960
	chartLeft  = 96 // labels
	rowHeight  = 92
	barsHeight = 62
	axisHeight = 26
)

// bin counts the sessions of a stretch of time in one direction, and their probes.
type bin struct {
	done, aborted, flagged int
	probes                 uint64
}

func (b bin) total() int { return b.done + b.aborted + b.flagged }

// timeline draws the sessions over time as an SVG: a row for each requester, a bar for
// each day (or hour, week, four weeks, as fits), marks for changes in the logs.
func timeline(r Report) template.HTML {
	var times []time.Time
	var requesters []string
	for _, s := range r.Sessions {
		if t, err := time.Parse(time.RFC3339, s.Asked); err == nil {
			times = append(times, t)
			if !slices.Contains(requesters, s.Requester) {
				requesters = append(requesters, s.Requester)
			}
		}
	}
	if len(times) == 0 {
		return ""
	}
	slices.Sort(requesters)
	first, last := slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	step, unit := binSize(last.Sub(first))
	start := first.UTC().Truncate(min(step, 24*time.Hour))
	count := int(last.Sub(start)/step) + 1
	bins, highest := fillBins(r, start, step, count)

	var b strings.Builder
	height := len(requesters)*rowHeight + axisHeight
	fmt.Fprintf(&b, `<svg class="timeline" viewBox="0 0 %d %d" role="img" aria-label="Sessions per %s and requester">`, chartWidth, height, unit)
	width := float64(chartWidth-chartLeft) / float64(count)
	for i, name := range requesters {
		base := float64(i*rowHeight + rowHeight - 16)
		fmt.Fprintf(&b, `<text class="who" x="0" y="%.0f">%s asks</text><text class="scale" x="%d" y="%.0f">%d</text><line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><line class="axis" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`,
			base, html.EscapeString(name), chartLeft-8, base-barsHeight+4, highest,
			chartLeft, chartWidth, base-barsHeight, base-barsHeight, chartLeft, chartWidth, base, base)
		for k := range count {
			drawBar(&b, bins[name][k], start.Add(time.Duration(k)*step), unit, highest,
				chartLeft+float64(k)*width, width, base)
		}
		drawEvents(&b, r, name, start, step, width, base)
		drawClaims(&b, r, name, start, step, width, base)
	}
	every := max(1, (count+11)/12)
	for k := 0; k < count; k += every {
		label := start.Add(time.Duration(k) * step).Format("2 Jan")
		if unit == "hour" {
			label = start.Add(time.Duration(k) * step).Format("15:04")
		}
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%d">%s</text>`, chartLeft+(float64(k)+.5)*width, height-6, label)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // of numbers and escaped names only
}

// binSize gives bars of a width at which they can be told apart.
func binSize(span time.Duration) (time.Duration, string) {
	const day = 24 * time.Hour
	switch {
	case span <= 2*day:
		return time.Hour, "hour"
	case span <= 120*day:
		return day, "day"
	case span <= 840*day:
		return 7 * day, "week"
	}
	return max(28*day, (span/120).Truncate(day)+day), "period"
}

func fillBins(r Report, start time.Time, step time.Duration, count int) (map[string][]bin, int) {
	bins, highest := map[string][]bin{}, 1
	for _, s := range r.Sessions {
		t, err := time.Parse(time.RFC3339, s.Asked)
		if err != nil {
			continue
		}
		if bins[s.Requester] == nil {
			bins[s.Requester] = make([]bin, count)
		}
		k := &bins[s.Requester][int(t.Sub(start)/step)]
		switch {
		case s.Findings > 0:
			k.flagged++
		case s.Aborted:
			k.aborted++
		default:
			k.done++
		}
		k.probes += s.Probes
		highest = max(highest, k.total())
	}
	return bins, highest
}

// drawBar stacks sessions with findings on top of aborted on top of completed ones.
func drawBar(b *strings.Builder, n bin, at time.Time, unit string, highest int, x, width, base float64) {
	if n.total() == 0 {
		return
	}
	form := "2 January 2006"
	if unit == "hour" {
		form += " 15:04"
	}
	fmt.Fprintf(b, `<g><title>%s: %d completed, %d aborted, %d with findings, %s</title>`, at.Format(form), n.done, n.aborted, n.flagged, plural(n.probes, "probe"))
	w := min(width-min(2, width/6), 40)
	y := base
	for _, part := range []struct {
		class string
		count int
	}{{"done", n.done}, {"cut", n.aborted}, {"bad", n.flagged}} {
		if part.count == 0 {
			continue
		}
		h := float64(part.count) / float64(highest) * barsHeight
		y -= h
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, part.class, x+(width-w)/2, y, w, h)
	}
	b.WriteString(`</g>`)
}

// drawClaims marks a requester's claims on the line of its row.
func drawClaims(b *strings.Builder, r Report, requester string, start time.Time, step time.Duration, width, base float64) {
	for _, c := range r.Claims {
		t, err := time.Parse(time.RFC3339, c.Claimed)
		if err != nil || c.Requester != requester {
			continue
		}
		x := chartLeft + float64(t.Sub(start))/float64(step)*width
		if x < chartLeft || x > chartWidth {
			continue
		}
		class := "claim"
		if c.Findings > 0 {
			class = "bad"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fl4 4l-4 4l-4 -4z"><title>%s claim: %s</title></path>`, class, x, base-4, c.Claimed, html.EscapeString(c.outcome()))
	}
}

// drawEvents marks changes of keys, agreements and watchlists below a party's row.
func drawEvents(b *strings.Builder, r Report, party string, start time.Time, step time.Duration, width, base float64) {
	for _, e := range r.Events {
		t, err := time.Parse(time.RFC3339, e.Time)
		if err != nil || e.Party != party {
			continue
		}
		x := chartLeft + float64(t.Sub(start))/float64(step)*width
		if x = max(x, chartLeft); x > chartWidth {
			continue
		}
		class := "epoch"
		if !strings.HasPrefix(e.What, "epoch") {
			class = "change"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fl-4 7h8z"><title>%s %s</title></path>`, class, x, base+2, e.Time, html.EscapeString(e.What))
	}
}
