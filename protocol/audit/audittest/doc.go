// Package audittest makes the folders of two agencies as an audit finds them, for tests:
// real hybrid signatures, real logs with tiles, checkpoints and cosignatures, and evidence
// of any number of sessions, complete and aborted. No homomorphic message is computed; the
// records of messages have the right kinds, numbers and lengths.
//
//	w := audittest.New(audittest.Options{Sessions: 10, Edit: func(s *audittest.Session) {
//		if s.Number == 3 {
//			s.EditRequest = func(r *transcript.Request) { r.Purpose = "tax" }
//		}
//	}})
//	w.Parties[0].Entries = ...     // before anything is written
//	err := w.Write(dir)            // dir/cl and dir/us
//
// Everything follows from the options: two worlds of the same options have the same bytes.
package audittest
