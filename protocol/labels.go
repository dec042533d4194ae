package protocol

// Labels separate every hash and every derived seed by purpose.
const (
	labelSessionID  = "puente/v1/session id"
	labelCommitment = "puente/v1/seed commitment"
	labelOwnerSeed  = "puente/v1/key owner seed" // nonce
	labelEvalSeed   = "puente/v1/evaluator seed" // nonce
	labelOwnerKeys  = "puente/v1/key owner keys" // session
	labelMasks      = "puente/v1/masks"          // session, digest of all that was received
	labelVerdict    = "puente/v1/verdict"        // digest of the prefixes of a batch
)
