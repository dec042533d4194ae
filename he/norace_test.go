//go:build !race

package he

const underRace = false
