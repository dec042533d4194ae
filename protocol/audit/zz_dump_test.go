package audit_test

import (
	"os"
	"testing"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/transcript"
)

func dump(t *testing.T, name string, o audittest.Options, f func(*audittest.World)) {
	dir := "/tmp/out/" + name
	os.RemoveAll(dir)
	w := audittest.New(o)
	if f != nil {
		f(w)
	}
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(w.Input(dir))
	if err != nil {
		t.Fatal(err)
	}
	h, _ := os.Create("/tmp/out/" + name + ".html")
	if err := r.WriteHTML(h); err != nil {
		t.Fatal(err)
	}
	h.Close()
	x, _ := os.Create("/tmp/out/" + name + ".txt")
	r.WriteText(x)
	x.Close()
}

func TestZZ(t *testing.T) {
	dump(t, "clean", audittest.Options{Sessions: 1000}, nil)
	dump(t, "bad", audittest.Options{Sessions: 160, Agreement: func(a *agreement.Agreement) { a.Purposes[0].Daily = 30 }, Edit: func(s *audittest.Session) {
		switch s.Number {
		case 20:
			s.EditRequest = func(r *transcript.Request) { r.Purpose = "tax" }
		case 45:
			s.EditNote = func(n *transcript.Note) { n.Signatures[0].Signature.MLDSA65 = [3309]byte{} }
		case 90:
			onlyRequester(alter(transcript.KindBlock))(s)
		case 101:
			s.EditGrant = func(g *transcript.Grant) { g.Root[0] ^= 1 }
		}
	}}, func(w *audittest.World) {
		dropEntry(w.Parties[1], w.Sessions[55])
		delete(w.Parties[1].Evidence, w.Sessions[55].Folder)
		w.Parties[1].Cosigned = 150
	})
}
