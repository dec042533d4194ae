package he

// Labels of the streams. A stream is used for one purpose only.
const (
	labelSecret       = "puente/v1/he/secret key"
	labelLaneSecret   = "puente/v1/he/lane secret key"
	labelPublicSeed   = "puente/v1/he/public seed"
	labelKeyA         = "puente/v1/he/key a"
	labelKeyError     = "puente/v1/he/key error"
	labelLaneKeyA     = "puente/v1/he/lane key a"
	labelLaneKeyError = "puente/v1/he/lane key error"
	labelBlockA       = "puente/v1/he/block a"      // block
	labelBlockError   = "puente/v1/he/block error"  // block
	labelPrefixA      = "puente/v1/he/prefix a"     // batch, level
	labelPrefixError  = "puente/v1/he/prefix error" // batch, level
	labelMask         = "puente/v1/he/mask"         // share
	labelShareNoise   = "puente/v1/he/share noise"  // share
	labelOrder        = "puente/v1/he/order"        // batch
	labelSpare        = "puente/v1/he/spare lanes"  // batch
	labelBlind        = "puente/v1/he/blind"        // batch, answer
	labelTestNoise    = "puente/v1/he/test noise"   // batch, answer
)
