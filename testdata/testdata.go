// Package testdata holds the sample records that tests and the demonstration use.
// Each folder has a README.md with the origin and the licence beside it.
package testdata

import "embed"

// OpenIris holds two real outputs of the open-iris pipeline, of the same eye.
//
//go:embed open-iris/*.json
var OpenIris embed.FS
