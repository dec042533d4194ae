// Package opening is how an agency shows an auditor the seed of one session and nothing
// else.
//
// Every random value of a party in a session follows from its session seed, to which the
// party committed in its opening message and in its signed statement. The seed of one
// session says nothing about the agency's root secret or any other session. With it, and
// with the party's inputs, package replay makes the party's messages again.
//
//	key, err := opening.GenerateKey()                       // the auditor, once
//	publish(key.Public().String())
//
//	subject := opening.SubjectOf(request, grant, transcript.Holder)
//	o, err := opening.Seal(subject, seed, auditor)          // the agency
//	o, err := opening.SealSplit(subject, seed, [2]opening.PublicKey{clAuditor, usAuditor})
//	write(o.Encode())
//
//	o, err := opening.Parse(file)                           // the auditor
//	seed, err := o.Open(subject, key)                       // subject from verified statements
//
// An opening that is split needs both auditors. The first one forwards the part that is
// sealed to him to the second (Forward), who can then open it alone.
//
// # Sealing
//
// HPKE (RFC 9180), base mode, with X-Wing (X25519 and ML-KEM-768,
// draft-connolly-cfrg-xwing-kem) as the KEM, HKDF-SHA256 and AES-256-GCM: what is sealed
// today stays closed to a quantum computer of tomorrow. The info string holds session,
// role, commitment, the number of parts and the digests of all of them, so that nothing
// sealed for one session, role or splitting can be opened as another.
//
// # Splitting
//
// The scalars of ristretto255 are below 2^252.1, and a seed has 256 bits: it is shared as
// two halves of 16 bytes, each a scalar below 2^128, by Shamir's scheme of degree 1. A part
// is uniform and independent of the seed (the coefficient is uniform modulo the group's
// order), so that one auditor alone learns nothing, whatever he can compute. There are no
// Feldman commitments: they would give the halves to whoever computes logarithms in a
// range of 2^128, 2^64 steps, or with a quantum computer. What they are for is done by
// hashes: the digest of each part in the opening shows an auditor that forwards another
// part than his own, and the session's commitment shows an agency that dealt wrong ones.
package opening
