// Package minutiae reads fingerprints in the formats in which agencies store
// them, and makes vectors of fixed length of them, which package templates can
// compare.
//
// # Reading
//
// [Decode] takes a whole file and gives the views in it, one per impression of a
// finger. It knows the records of ISO/IEC 19794-2:2005 and 2011 and of ANSI
// INCITS 378-2004 and 2009, the Type-9 records of ANSI/NIST-ITL transactions, and
// the text of NIST's mindtct:
//
//	views, err := minutiae.Decode(data, minutiae.Options{})
//	for _, v := range views {
//		fmt.Println(v.Finger, len(v.Minutiae))
//	}
//
// Whatever the format, a [Minutia] has its origin at the top left, its angle
// counter-clockwise from the right, in radians, pointing into the ridge. Images
// are not read: a [View] comes from the extractor that an agency uses already.
//
// # Sources
//
// ISO/IEC 19794-2 "Finger minutiae data" and ANSI INCITS 378 "Finger Minutiae
// Format for Data Interchange"; for Type-9 records ANSI/NIST-ITL 1-2011 (NIST SP
// 500-290) 8.9.7 and Annex B, for their older fields ANSI/NIST-ITL 1-2000 (NIST SP
// 500-245) and an2k2fmr of NIST's BiomDI; for .xyt the user's guide and the source of NBIS
// (Watson et al., "User's Guide to NIST Biometric Image Software", NISTIR 7392).
// The reading was compared with that of FingerprintIO and with records of NIST's
// Biometric Evaluation Framework; the tests hold both.
package minutiae
