package minutiae_test

import (
	"fmt"
	"os"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// Two agencies hold the same fingers in different formats.
func ExampleVectoriser() {
	v, err := minutiae.NewVectoriser(minutiae.DefaultDims)
	if err != nil {
		fmt.Println(err)
		return
	}
	read := func(name string) (list []templates.Template) {
		data, err := os.ReadFile("../../testdata/fingerprintio/" + name)
		if err != nil {
			fmt.Println(err)
			return nil
		}
		views, err := minutiae.Decode(data, minutiae.Options{})
		if err != nil {
			fmt.Println(err)
			return nil
		}
		for _, view := range views {
			unit, err := v.Vector(view)
			if err != nil {
				fmt.Println(err)
				return nil
			}
			vector, err := templates.Quantise(unit, 63)
			if err != nil {
				fmt.Println(err)
				return nil
			}
			list = append(list, vector)
		}
		return list
	}
	scheme, err := templates.ParseScheme("vector:512:norm=63:theta=1191")
	if err != nil {
		fmt.Println(err)
		return
	}
	probes, watchlist := read("ansi378v2004-sample.dat"), read("iso19794p2v2011-sample.dat")
	for i, p := range probes {
		m, err := templates.NewMatcher(scheme, p)
		if err != nil {
			fmt.Println(err)
			return
		}
		for j, g := range watchlist {
			fmt.Printf("probe %d, entry %d: hit %t\n", i, j, m.Hit(g))
		}
	}
	// Output:
	// probe 0, entry 0: hit true
	// probe 0, entry 1: hit false
	// probe 1, entry 0: hit false
	// probe 1, entry 1: hit true
}
