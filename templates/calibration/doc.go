// Package calibration measures how well templates of known people are told apart,
// and finds the threshold that a number of expected false hits a year allows.
//
//	d, err := calibration.Measure(ctx, scheme, samples, calibration.Options{})
//	report := d.Report(&calibration.Demand{FalseHitsPerYear: 1, WatchlistSize: 2000, QueriesPerYear: 100_000})
//
// A [Sample] is a template with a label that says whose it is. All pairs of samples
// are compared. A pair of one person is genuine, a pair of two people is an impostor
// pair; two eyes or two fingers of one person are neither and are left out. The
// terms are those of ISO/IEC 19795-1: FMR is the share of impostor pairs that hit,
// FNMR the share of genuine pairs that do not.
//
// # One number for each pair
//
// A pair has one score only, its best over all rotations, since it hits when any
// rotation does. So every FMR here is for a whole comparison of a probe with an
// entry: it need not be multiplied by the number of rotations again.
//
// Thresholds are the rational ones that a [templates.Scheme] can have, and pairs are
// counted between each two of them, so that the rates are exact at all of them. For
// an iris the scheme's Delta is written as Alpha*m. A rotation hits when
//
//	Alpha*o - Beta*hd - Alpha*m >= 0,   so   hd/(o-m) <= Alpha/Beta
//
// for o common bits of which hd differ. The number m of bits is kept and Alpha/Beta
// is looked for: less overlap than m never hits, and a small one must be closer.
// The candidates are all fractions with denominators of at most [templates.MaxBeta]
// that [templates.Scheme.Validate] admits. These may be above 1/2, since only the
// distance hd/o must stay below it at full overlap: below 4/7 where m is an eighth of
// the bits. For vectors and fused templates the candidates are all
// integers that Theta, or Delta beside eyes, may be.
//
// # Confidence
//
// Intervals are those of Clopper and Pearson ("The use of confidence or fiducial
// limits", 1934): exact binomial, two-sided, 95 %. Of no error in n pairs the
// one-sided limit is 3/n, the rule of three, and 30 errors are needed for a rate to
// be within 30 % with 90 % confidence, the rule of thirty (Doddington et al., "The
// NIST speaker recognition evaluation", 2000).
//
// Pairs that share a person are not independent: somebody with an odd eye matches
// falsely again and again. The variance of a rate is therefore estimated with its
// covariances between pairs that share a person (as Mansfield and Wayman, "Best
// practices in testing and reporting performance of biometric devices", 2002,
// appendix B, do), and where it is larger than for independent pairs, errors and
// pairs are divided by their ratio, the design effect, before the exact limits are
// taken (Korn and Graubard, "Confidence intervals for proportions with small expected
// number of positive counts estimated from survey data", 1998). There must be 30
// errors for the effect to be estimated; stricter thresholds use the last estimate.
// When there never are as many, the report says that pairs were taken to be
// independent, and what people who are in one pair only would support.
//
// # Models
//
// Beyond what was counted there is only extrapolation, and everything of that kind is
// called so. For an iris it is Daugman's ("The importance of being random", 2003;
// "How iris recognition works", 2004): distances of impostors at one rotation are
// binomial with p(1-p)/sd^2 degrees of freedom, and the least of n rotations hits
// with 1-(1-F)^n, as if they were independent. For vectors it is the inner product of
// random directions, of as many dimensions as give the measured variance. Where either
// curve is below the FMR that was counted at the strictest threshold with 30 false
// matches, its degrees of freedom are lowered until it is not.
//
// # Secrets
//
// Reports hold counts, rates and thresholds; no template, no label and no score of a
// single pair.
package calibration
