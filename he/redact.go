package he

import "fmt"

// Types that hold secrets print as a placeholder. They need a method of their own:
// package fmt does not ask the unexported fields within for theirs.

// Format implements fmt.Formatter without showing the keys.
func (KeyOwner) Format(f fmt.State, _ rune) { redact(f, "KeyOwner") }

// Format implements fmt.Formatter without showing the watchlist.
func (Weights) Format(f fmt.State, _ rune) { redact(f, "Weights") }

// Format implements fmt.Formatter without showing the scores.
func (Sum) Format(f fmt.State, _ rune) { redact(f, "Sum") }

// Format implements fmt.Formatter without showing the masks.
func (Batch) Format(f fmt.State, _ rune) { redact(f, "Batch") }

// Format implements fmt.Formatter without showing the key stream.
func (Stream) Format(f fmt.State, _ rune) { redact(f, "Stream") }

func redact(f fmt.State, name string) { _, _ = fmt.Fprintf(f, "he.%s(secret)", name) }
