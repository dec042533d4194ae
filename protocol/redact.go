package protocol

import "fmt"

// Both roles hold seeds, and print as their session: package fmt does not ask unexported
// fields for their own redaction.

// Format implements fmt.Formatter without showing secrets.
func (k *KeyOwner) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "protocol.KeyOwner(%v)", k.session) }

// Format implements fmt.Formatter without showing secrets.
func (e *Evaluator) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "protocol.Evaluator(%v)", e.session)
}
