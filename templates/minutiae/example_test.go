package minutiae_test

import (
	"fmt"
	"os"

	"github.com/puente-project/puente/templates/minutiae"
)

func ExampleDecode() {
	data, err := os.ReadFile("../../testdata/nist-libbiomeval/fmr.ansi2004")
	if err != nil {
		fmt.Println(err)
		return
	}
	views, err := minutiae.Decode(data, minutiae.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range views {
		fmt.Printf("%v: finger %d, %d minutiae\n", v.Format, v.Finger, len(v.Minutiae))
	}
	// Output:
	// ANSI INCITS 378-2004: finger 7, 27 minutiae
	// ANSI INCITS 378-2004: finger 2, 22 minutiae
	// ANSI INCITS 378-2004: finger 3, 28 minutiae
}
