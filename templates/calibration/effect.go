package calibration

import "sort"

// enough is the number of errors of the rule of thirty, from which on a design effect
// is estimated.
const enough = 30

// effect is the variance of a rate divided by that for independent pairs, at least 1.
// The variance is that of a sum over pairs of the residuals x = error - rate, all
// products of two pairs counted that share a person. Over people, (sum of the x of one
// person)^2 counts each product once and the square of each pair's own x twice, so
// one of the latter is taken off.

// impostorEffect is the design effect of the FMR at threshold i, which must be covered
// by the list of closest pairs.
func (d *Distribution) impostorEffect(i int) float64 {
	errors := d.closest[:sort.Search(len(d.closest), func(k int) bool { return int(d.closest[k].bin) > i })]
	p := d.people
	pairs := float64(p.impostors())
	rate := float64(len(errors)) / pairs
	if rate == 0 || rate == 1 {
		return 1
	}
	byPerson := make([]float64, len(p.samples))
	byPair := map[[2]int32]float64{}
	for _, e := range errors {
		byPerson[e.first]++
		byPerson[e.second]++
		byPair[[2]int32{min(e.first, e.second), max(e.first, e.second)}]++
	}
	variance, squares, fourths := 0.0, 0.0, 0.0
	for k, n := range p.samples {
		n := float64(n)
		x := byPerson[k] - rate*n*(float64(len(p.person))-n)
		variance += x * x
		squares += n * n
		fourths += n * n * n * n
	}
	// Sum over pairs of people of (errors - rate*pairs)^2; the additions of whole
	// numbers are exact in any order.
	var own, cross float64
	for who, n := range byPair {
		own += n * n
		cross += n * float64(p.samples[who[0]]*p.samples[who[1]])
	}
	variance -= own - 2*rate*cross + rate*rate*(squares*squares-fourths)/2
	return min(max(1, variance/(pairs*rate*(1-rate))), pairs)
}

// genuineEffect is the design effect of the FNMR at threshold i: pairs of different
// people are independent, those of one person are not. Where it cannot be estimated,
// every person counts as one pair.
func (d *Distribution) genuineEffect(i int) float64 {
	first := sort.Search(len(d.genuine), func(k int) bool { return int(d.genuine[k].bin) > i })
	pairs, errors := float64(len(d.genuine)), float64(len(d.genuine)-first)
	contributing := 0.0
	for _, n := range d.people.genuine {
		if n > 0 {
			contributing++
		}
	}
	rate := errors / pairs
	if errors < enough || rate == 1 || contributing < 2 {
		return pairs / contributing
	}
	byPerson := make([]float64, len(d.people.genuine))
	for _, g := range d.genuine[first:] {
		byPerson[g.person]++
	}
	variance := 0.0
	for k, n := range d.people.genuine {
		x := byPerson[k] - rate*float64(n)
		variance += x * x
	}
	variance *= contributing / (contributing - 1)
	return min(max(1, variance/(pairs*rate*(1-rate))), pairs)
}

// effectAt is the design effect that is used for the FMR at threshold i: its own
// where there are enough errors that are listed, else that of the nearest threshold
// where this is so; 1, and false, if there is none.
func (d *Distribution) effectAt(i int) (effect float64, known bool) {
	least := d.firstThirty()
	if most := min(d.covered, d.axis.n) - 1; least <= most {
		return d.impostorEffect(min(max(i, least), most)), true
	}
	return 1, false
}

// firstThirty is the strictest threshold with 30 false matches; n if there is none.
func (d *Distribution) firstThirty() int {
	hits := d.hits[impostor]
	return sort.Search(len(hits), func(k int) bool { return hits[k] >= enough })
}
