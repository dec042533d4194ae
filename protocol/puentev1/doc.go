// Package puentev1 is the wire form of the remote procedures between two
// agencies, generated from puente.proto by .ci/generate. Package transport uses
// it; nothing else needs to. The messages inside a Frame are opaque here and are
// defined by package protocol.
package puentev1
