package minutiae

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// Content of a record as FingerprintIO tells it. What View cannot express is
// named nevertheless, so that no field goes unnoticed.
type reference struct {
	Fingerprints []struct {
		Position string
		View     int
		ScanType string
		Minutiae []struct {
			Type                                 string
			PositionX, PositionY, Angle, Quality int
		}
		geometry
		Quality  *int
		Qrecords []struct{ Quality, Vendor, Algorithm int }

		Datetime, SensorType, SensorVendor, SensorId, QualityVendorId, QualityAlgorithmId,
		Certificates, EndingType, Counts, Coredelta, Zones, Extensions json.RawMessage
	}
	geometry
	VendorId, Subformat, SensorCertified, SensorId json.RawMessage
}

type geometry struct{ Width, Height, ResolutionX, ResolutionY int }

var (
	referenceFingers = map[string]Finger{"LEFT_INDEX": 7, "RIGHT_INDEX": 2}
	referenceScans   = map[string]uint8{"LIVE_PLAIN": 0}
	referenceKinds   = map[string]Kind{"OTHER": Other, "EITHER": Other, "ENDING": Ending, "BIFURCATION": Bifurcation}
)

// TestReference compares every field with FingerprintIO.
func TestReference(t *testing.T) {
	for _, name := range []string{"ansi378v2004", "ansi378v2009", "ansi378v2009am1", "iso19794p2v2005", "iso19794p2v2011"} {
		t.Run(name, func(t *testing.T) {
			views, err := Decode(sample(t, "fingerprintio/"+name+"-sample.dat"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var want reference
			d := json.NewDecoder(bytes.NewReader(sample(t, "fingerprintio/"+name+"-sample.json")))
			d.DisallowUnknownFields()
			if err := d.Decode(&want); err != nil {
				t.Fatal(err)
			}
			// Angles are compared in units: those of the standard, except in the
			// one record that has the other's.
			units := 256.0
			if strings.HasPrefix(name, "ansi378v2009") {
				units = 180
			}
			if len(views) != len(want.Fingerprints) || len(views) != 2 {
				t.Fatalf("%d views, want %d", len(views), len(want.Fingerprints))
			}
			for i, w := range want.Fingerprints {
				v, g := views[i], w.geometry
				if g == (geometry{}) {
					g = want.geometry
				}
				finger, known := referenceFingers[w.Position]
				scan, knownScan := referenceScans[w.ScanType]
				if !known || !knownScan {
					t.Fatalf("%s, %s are unknown to this test", w.Position, w.ScanType)
				}
				quality := w.Quality
				if len(w.Qrecords) > 0 {
					quality = &w.Qrecords[0].Quality
				}
				got := fmt.Sprint(v.Finger, v.Number, v.Impression, v.Quality, geometry{v.Width, v.Height, v.ResX, v.ResY}, len(v.Minutiae))
				if expect := fmt.Sprint(finger, w.View, scan, *quality, g, len(w.Minutiae)); got != expect {
					t.Fatalf("view %d: got %s, want %s", i+1, got, expect)
				}
				for k, wm := range w.Minutiae {
					kind, known := referenceKinds[wm.Type]
					if !known {
						t.Fatalf("%s is unknown to this test", wm.Type)
					}
					m := v.Minutiae[k]
					got := fmt.Sprint(m.X, m.Y, m.Kind, m.Quality, math.Round(m.Angle*units/(2*math.Pi)*1e9)/1e9)
					if expect := fmt.Sprint(wm.PositionX, wm.PositionY, kind, wm.Quality, wm.Angle); got != expect {
						t.Errorf("view %d, minutia %d: got %s, want %s", i+1, k+1, got, expect)
					}
				}
			}
		})
	}
}
