//go:build race

package he

// underRace scales the statistical tests down: the detector makes them 15 times slower.
const underRace = true
