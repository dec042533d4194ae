package minutiae

import "testing"

// TestDetect: the borders between formats that share magic and version.
func TestDetect(t *testing.T) {
	const pad = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, tt := range []struct {
		name, data string
		want       Format
	}{
		{"the shortest short ANSI length", "FMR\x00 20\x00\x00\x1a\x00\x00", ANSI2004},
		{"a large ISO length", "FMR\x00 20\x00\x00\x19\xff\xff", ISO2005},
		{"the shortest ISO length", "FMR\x00 20\x00\x00\x00\x00\x18", ISO2005},
		{"a long ANSI length", "FMR\x00 20\x00\x00\x00\x00\x17", ANSI2004},
		{"version 020", "FMR\x00020\x00\x00\x00\x00\x18", ISO2005},
		{"eleven bytes", "FMR\x00 20\x00\x00\x00\x00", Unknown},
		{"one view of 34 bytes", "FMR\x00030\x00\x00\x00\x00\x31\x00\x01\x00\x00\x00\x00\x22" + pad, ISO2011},
		{"one view of 33 bytes", "FMR\x00030\x00\x00\x00\x00\x30\x00\x01\x00\x00\x00\x00\x21" + pad, ANSI2009},
		{"lengths that do not add up", "FMR\x00030\x00\x00\x00\x00\x32\x00\x01\x00\x00\x00\x00\x22" + pad, ANSI2009},
		{"a length of 2^32 - 1", "FMR\x00030\x00\x00\x00\x00\x31\x00\x02\x00\xff\xff\xff\xff" + pad, ANSI2009},
		{"version 030 cut", "FMR\x00030\x00\x00\x00\x00\x31\x00\x01", ANSI2009},
		{"version 035", "FMR\x00035\x00\x00\x00\x00\x31", ANSI2009},
		{"version 036", "FMR\x00036\x00\x00\x00\x00\x31", Unknown},
		{"text of three numbers", "1 2 3", XYT},
		{"text of four numbers", "\n 1 2 3 4\r\nwhatever", XYT},
		{"text of two numbers", "1 2\n", Unknown},
		{"text of five numbers", "1 2 3 4 5\n", Unknown},
		{"text of fractions", "1.5 2 3\n", Unknown},
		{"transaction", "1.001:134\x1d", Type9},
		{"transaction of 1993", "1.01:134\x1d", Type9},
		{"another record in front", "2.001:134\x1d", Unknown},
		{"nothing", "", Unknown},
	} {
		if got := Detect([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
