package intake

import (
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// TestGatePassesPeople: the gate lets the people through whom the schemes are
// tried with, at enrolment and at the border.
func TestGatePassesPeople(t *testing.T) {
	for _, named := range templates.Schemes() {
		people, err := synthetic.New(named.Scheme, 5)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			for what, tpl := range map[string]templates.Template{"entry": people.Entry(i), "capture": people.Genuine(i, 1), "stranger": people.Stranger(i)} {
				if err := (Gate{}).Check(tpl); err != nil {
					t.Errorf("%s: %s %d: %v", named.Name, what, i, err)
				}
			}
		}
	}
}
