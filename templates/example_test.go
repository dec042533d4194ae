package templates_test

import (
	"fmt"
	"os"

	"github.com/puente-project/puente/templates"
)

func Example() {
	read := func(name string) *templates.Iris {
		f, err := os.Open("../testdata/open-iris/" + name)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		all, err := templates.Read(f, templates.Options{})
		if err != nil {
			panic(err)
		}
		return all[0].(*templates.Iris)
	}
	probe, entry := read("orb_output_v1.9.2.json"), read("orb_output_v1.9.7.json")

	scheme, err := templates.SchemeByName("iris-16384")
	if err != nil {
		panic(err)
	}
	fmt.Println(scheme)

	m, err := templates.NewMatcher(scheme, probe)
	if err != nil {
		panic(err)
	}
	fmt.Println("hit:", m.Hit(entry))

	hd, common, shift, err := templates.Distance(probe, entry, scheme.Shifts)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d of %d common bits differ at shift %d\n", hd, common, shift)
	fmt.Println(probe)
	// Output:
	// iris:16x256x2x2:shifts=31:threshold=1/2:delta=2867
	// hit: true
	// 442 of 11633 common bits differ at shift -1
	// [iris template 16x256x2x2, redacted]
}
