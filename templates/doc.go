// Package templates holds everything about biometric templates that is not
// cryptography: what a template is, what the two agencies must agree on before
// they compare any, the exact integer decision, and the integer blocks that the
// encrypted computation works on.
//
// # From a file to a decision
//
// A template comes from a file. [Read] recognises this project's own binary and
// JSON forms, the JSON of open-iris, the lines of iris-mpc, NumPy arrays and
// CSV, and gives values of two kinds, [*Iris] and [Vector]:
//
//	scheme, err := templates.SchemeByName("iris-16384")
//	probes, err := templates.Read(file, scheme.ReadOptions())
//
// A [Scheme] is the agreement: modality, size, rotations and threshold. Its
// one-line text form ([Scheme.String], [ParseScheme]) is canonical, so that it
// can be compared, signed and bound into a session. [Scheme.Check] tells whether
// a template may be used under it.
//
// The plain decision, which the encrypted one must equal bit for bit, is made by
// a [Matcher]:
//
//	m, err := templates.NewMatcher(scheme, probes[0])
//	hit := m.Hit(entry)
//
// # The decision
//
// An iris code is a binary pattern with a mask of usable bits. For each rotation
// let o be the number of bits usable on both sides and hd the number of those
// that differ. The score is
//
//	Alpha*o - Beta*hd - Delta
//
// and an entry hits when it is not negative for some rotation: the fractional
// Hamming distance hd/o is at most Alpha/Beta, less an allowance Delta that makes
// a small overlap a miss (Daugman, "How iris recognition works", 2004, section 2,
// gives the distance; he rescales it by the overlap for the reason for which
// Delta is here). A feature vector scores <p,g> - Theta on integer coordinates.
// Both scores are exact integers; nothing is approximated.
//
// # The blocks
//
// With x = code AND mask and u = mask as 0/1 integers, o = <u_p,u_g> and
// hd = <x_p,u_g> + <u_p,x_g> - 2<x_p,x_g>, so the score is linear in the probe:
//
//	score + Delta = <x_p, Beta*(2*x_g - u_g)> + <u_p, Alpha*u_g - Beta*x_g>
//
// [Layout] cuts both sides into blocks, [Scheme.ProbeBlocks] and
// [Scheme.EntryBlocks] fill them, and for shift index s
//
//	score(s) + Delta = sum over blocks, over i < Width: entry[i] * probe[i+s]
//
// which is what one polynomial multiplication per block computes for all s at
// once (Yasuda et al., "Packed homomorphic encryption based on ideal lattices
// and its application to biometrics", 2013).
//
// # Secrets
//
// Templates are personal data that can never be reissued. [Iris] and [Vector]
// redact themselves in fmt, log/slog and encoding/json; writing one out takes an
// explicit [EncodeBinary] or [EncodeJSON]. No error text contains template
// values.
package templates
