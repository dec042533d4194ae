package audit

// Severity says what a failed check means.
type Severity string

// The severities. A violation or a warning makes a report not clean.
const (
	// Violation: signed or logged data contradict each other or the agreement.
	Violation Severity = "violation"
	// Warning: it may have an innocent cause, which the agency has to explain.
	Warning Severity = "warning"
	// Notice: for information.
	Notice Severity = "notice"
)

// Check is a kind of check. The id never changes its meaning.
type Check struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Title says what holds when the check passes.
	Title string `json:"title"`
	// Meaning says what may have happened when it fails.
	Meaning string `json:"meaning"`
}

// Group is the part of the id before the first dot.
func (c Check) Group() string {
	for i := range c.ID {
		if c.ID[i] == '.' {
			return c.ID[:i]
		}
	}
	return c.ID
}

// The ids of the checks.
const (
	LogReadable    = "log.readable"
	LogSignature   = "log.signature"
	LogRoot        = "log.root"
	LogInclusion   = "log.inclusion"
	LogCosignature = "log.cosignature"
	LogConsistency = "log.consistency"
	LogRollback    = "log.rollback"
	LogSplit       = "log.split"
	LogWitnessed   = "log.witnessed"

	EntryFormat = "entry.format"
	EntryRole   = "entry.role"

	TimeOrder  = "time.order"
	TimeGrant  = "time.grant"
	TimeFuture = "time.future"

	KeyCopy    = "key.copy"
	KeyKnown   = "key.known"
	KeyLogged  = "key.logged"
	KeyRetired = "key.retired"
	KeyRevoked = "key.revoked"

	AgreementCopy    = "agreement.copy"
	AgreementKnown   = "agreement.known"
	AgreementInForce = "agreement.in-force"

	EpochOrder  = "epoch.order"
	EpochScheme = "epoch.scheme"
	EpochLogged = "epoch.logged"
	EpochRoot   = "epoch.root"
	EpochSize   = "epoch.size"
	EpochStale  = "epoch.stale"

	SessionFormat     = "session.format"
	SessionStatements = "session.statements"
	SessionParties    = "session.parties"
	SessionElsewhere  = "session.elsewhere"
	SessionAgreement  = "session.agreement"
	SessionWatchlist  = "session.watchlist"
	SessionScheme     = "session.scheme"
	SessionThreshold  = "session.threshold"
	SessionPurpose    = "session.purpose"
	SessionMinEntries = "session.min-entries"
	SessionLayout     = "session.layout"
	SessionQuota      = "session.quota"
	SessionOutcome    = "session.outcome"
	SessionSigner     = "session.signature"
	SessionEd25519    = "session.signature.ed25519"
	SessionMLDSA      = "session.signature.mldsa"
	SessionDuplicate  = "session.duplicate"
	SessionNonce      = "session.nonce"
	SessionID         = "session.id"

	RecordsFormat    = "records.format"
	RecordsChain     = "records.chain"
	RecordsOpening   = "records.opening"
	RecordsSender    = "records.sender"
	RecordsCount     = "records.count"
	RecordsDuplicate = "records.duplicate"
	RecordsOrder     = "records.order"
	RecordsLength    = "records.length"

	AbortedRecords = "aborted.records"
	AbortedSealed  = "aborted.sealed"

	EvidenceMissing  = "evidence.missing"
	EvidenceUnlogged = "evidence.unlogged"
	EvidenceName     = "evidence.name"
	EvidenceMessages = "evidence.messages"

	ClaimSession    = "claim.session"
	ClaimHit        = "claim.hit"
	ClaimBasis      = "claim.basis"
	ClaimWindow     = "claim.window"
	ClaimLimit      = "claim.limit"
	ClaimRelease    = "claim.release"
	ClaimTwice      = "claim.twice"
	ClaimStatements = "claim.statements"
	ClaimLogged     = "claim.logged"
	ClaimSides      = "claim.sides"
	ClaimLost       = "claim.lost-answer"

	CanarySessions = "canary.sessions"
	CanaryFound    = "canary.found"
	CanaryBlank    = "canary.blank"

	SidesMissing = "sides.missing"
	SidesNote    = "sides.note"
	SidesRecords = "sides.records"
	SidesStatus  = "sides.status"
	SidesLost    = "sides.lost-answer"
)

var checks = []Check{
	{LogReadable, Violation, "The log can be read", "Files of the log are missing or damaged; what is in it cannot be proved."},
	{LogSignature, Violation, "The log's checkpoint is signed with the agency's log key", "Somebody else made this log, or its checkpoint was altered."},
	{LogRoot, Violation, "The entries hash to the root that the checkpoint signs", "Entries were altered, removed or inserted after the checkpoint was signed."},
	{LogInclusion, Violation, "Every entry is proved to be in the log by the log's own hashes", "Proofs handed out from this log would be forged or useless."},
	{LogCosignature, Violation, "The newest witnessed checkpoint carries the partner's cosignature", "The partner never saw this log, or the cosignature was forged."},
	{LogConsistency, Violation, "The witnessed checkpoint is a prefix of the log", "History was rewritten after the partner had cosigned it."},
	{LogRollback, Violation, "The log is not shorter than what the partner remembers", "Entries at the end of the log were dropped: the log was rolled back."},
	{LogSplit, Violation, "What the partner remembers of the log is a prefix of it", "The agency showed different logs to its partner and to the auditor: a split view."},
	{LogWitnessed, Notice, "All entries are covered by the partner's cosignature", "The newest entries have no witness yet; the next session or puente log witness covers them."},

	{EntryFormat, Violation, "Every log entry is a canonical statement", "An entry was made by another program or damaged before it was logged."},
	{EntryRole, Violation, "Every session is logged in the role that the agency had in it", "A session of others was put into this log."},

	{TimeOrder, Violation, "Entries stand in the order of their times, within the agreed clock skew", "An entry was dated back or forward."},
	{TimeGrant, Violation, "Request, grant and end of a session are dated close to each other", "A statement was dated back or forward, or an old request was answered later."},
	{TimeFuture, Violation, "Nothing is dated after this audit", "An entry was dated forward."},

	{KeyCopy, Warning, "The party's public.json is the one that the auditor trusts", "The party shows other keys than it gave to the auditor; after a rotation the auditor needs the new file."},
	{KeyKnown, Violation, "Every signing key is one of those that the auditor trusts", "A key was used that the agency never published."},
	{KeyLogged, Violation, "Every signing key was announced in the log before it was used", "A key was in use of which the log says nothing."},
	{KeyRetired, Violation, "No statement is signed with a retired key", "A key was used on after its rotation."},
	{KeyRevoked, Violation, "No statement is signed with a revoked key", "A key that is reported lost or stolen signed; the statement may not be the agency's."},

	{AgreementCopy, Violation, "The party's copy of the agreement is the auditor's", "The party works under another agreement than it shows."},
	{AgreementKnown, Violation, "Every agreement in the log is one that the auditor holds", "An agreement was in force that the auditor has not seen."},
	{AgreementInForce, Violation, "Every session is under the agreement in force at its time", "A session was run under an agreement that was not announced, or was superseded."},

	{EpochOrder, Violation, "A watchlist's epochs ascend in the log", "A state of a watchlist was put back or told twice with different content."},
	{EpochScheme, Violation, "Watchlists are logged with the agreed scheme", "A watchlist was built for another scheme or threshold than agreed."},
	{EpochLogged, Violation, "Every grant is for a watchlist epoch that the holder had logged", "The holder searched a list whose state it never committed to."},
	{EpochRoot, Violation, "Every grant names the root that the holder logged for that epoch", "Another watchlist was searched than the one committed to."},
	{EpochSize, Violation, "Every grant names the number of entries that the holder logged for that epoch", "Entries were left out of the search or added to it."},
	{EpochStale, Warning, "No grant is for an epoch that was superseded a day before", "The holder searched an outdated list, without later additions and erasures."},

	{SessionFormat, Violation, "Signed statements are in canonical form", "A statement was damaged or made by another program."},
	{SessionStatements, Violation, "Request, grant, head and log entry of a side agree", "A statement was exchanged after the session."},
	{SessionParties, Violation, "Requester and holder are the two parties of the agreement", "A third agency took part, or the partners were swapped."},
	{SessionElsewhere, Notice, "All sessions in the log are between the two parties", "The agency has another partner; those sessions are for the auditors of that agreement."},
	{SessionAgreement, Violation, "Every session is under an agreement that the auditor holds", "The session was run under other terms."},
	{SessionWatchlist, Violation, "The watchlist is one that the agreement opens", "A list was searched that is not agreed on."},
	{SessionScheme, Violation, "The scheme is the agreed one", "Other parameters were used: weaker codes, fewer rotations, another modality."},
	{SessionThreshold, Violation, "The threshold is the agreed one", "More people, or fewer, would hit than agreed."},
	{SessionPurpose, Violation, "Purpose and legal basis are in the agreement", "Somebody was searched for a reason that is not agreed."},
	{SessionMinEntries, Violation, "The watchlist has at least the agreed number of entries", "A list this small could single out a person."},
	{SessionLayout, Violation, "The layout is possible for the scheme", "The grant names sizes with which no session can have run."},
	{SessionQuota, Violation, "Probes per requester, purpose and UTC day stay within the agreed number", "More was asked than agreed."},
	{SessionOutcome, Violation, "The logged outcome is one that the side can know", "A holder claims to know the result, or a requester hides it."},
	{SessionSigner, Violation, "Statements carry exactly the signatures that they need", "A signature is missing, of a stranger, or of another key version."},
	{SessionEd25519, Violation, "Ed25519 signatures verify", "The Ed25519 half was forged, stripped or is of another text."},
	{SessionMLDSA, Violation, "ML-DSA-65 signatures verify", "The ML-DSA-65 half was forged, stripped or is of another text."},
	{SessionDuplicate, Violation, "No session is recorded twice", "A session was replayed, or counted twice."},
	{SessionNonce, Violation, "Opening messages and session seeds serve one session each", "A session was replayed with an old nonce; its secrets may be exposed."},
	{SessionID, Violation, "The session id follows from the opening messages", "The grant is for another session."},

	{RecordsFormat, Violation, "Records of messages can be read", "The journal was damaged."},
	{RecordsChain, Violation, "The records chain to what the head or log entry signs", "A message was altered, dropped or added in the journal."},
	{RecordsOpening, Violation, "Opening messages are those that request and grant sign, and the open message says what the request says", "Another opening message was recorded than was signed, or more people were searched for than was stated."},
	{RecordsSender, Violation, "Every message is of the side that sends this kind", "Messages were attributed to the other side."},
	{RecordsCount, Violation, "There are exactly the messages that scheme and layout ask for", "Messages were dropped or added; part of the watchlist was not searched."},
	{RecordsDuplicate, Violation, "No message is recorded twice", "A message was answered twice."},
	{RecordsOrder, Violation, "Messages are journaled in a possible order", "Answers were given before what they answer, or the journal was reordered."},
	{RecordsLength, Violation, "Messages have the constant lengths of their kind", "Messages carry something else than the protocol's content."},

	{AbortedRecords, Violation, "An aborted session's entry counts what was journaled", "More or less was exchanged than the entry says."},
	{AbortedSealed, Violation, "A holder logs no session as aborted whose head both have signed", "An answer may have been released that is logged as never given."},

	{EvidenceMissing, Violation, "Every logged session has its evidence", "Evidence was removed."},
	{EvidenceUnlogged, Violation, "Every evidence folder has its log entry", "A session was kept out of the log, or was running when the folder was copied."},
	{EvidenceName, Violation, "Evidence lies under the session's own id", "Evidence was moved to another session."},
	{EvidenceMessages, Violation, "Kept messages are the recorded ones", "Messages kept for replay were altered."},

	{ClaimSession, Violation, "Every claim is on a session that both sides have sealed", "A reference was asked for or given without a search behind it."},
	{ClaimHit, Violation, "Every claim is on a session in which the requester had a hit", "A reference was claimed that no search had found."},
	{ClaimBasis, Violation, "Every claim has a purpose and a legal basis that the agreement allows for claims", "A reference was claimed for a reason that is not agreed."},
	{ClaimWindow, Violation, "Claims are made and answered within the agreed window behind their session", "A hit was kept in hand and claimed later, or a statement was dated back."},
	{ClaimLimit, Violation, "Claims per session and per requester and UTC day stay within the agreed numbers", "More references were given than agreed."},
	{ClaimRelease, Violation, "Every answer is to the claim beside it", "The answer to another claim was put there, or the claim was altered."},
	{ClaimTwice, Violation, "Every claim has one answer", "The holder gave two references for one claim, or exchanged the answer afterwards."},
	{ClaimStatements, Violation, "Claims and answers of a side are those in its log", "A claim or answer was exchanged or altered afterwards."},
	{ClaimLogged, Warning, "Every answered claim is in the log", "A claim was kept out of the log, or had not got there when the folder was copied."},
	{ClaimSides, Violation, "Both sides have every answered claim", "One side has hidden a claim or its answer, or invented one."},
	{ClaimLost, Notice, "Every answer to a claim has arrived", "The line or a machine failed; the requester may ask again and gets the same answer."},

	{CanarySessions, Violation, "Every session that the auditor had run with a canary is there, on the canary's watchlist", "A session that the auditor saw is missing from the records."},
	{CanaryFound, Violation, "Every probe of a canary has hit", "The watchlist that answered was not the one with the canary, or the threshold was moved, or the requester's log lies."},
	{CanaryBlank, Violation, "No blank probe has hit", "An answer was made up: a probe that matches nothing had a hit."},

	{SidesMissing, Violation, "Both sides have every session", "One side has hidden a session or invented one."},
	{SidesNote, Violation, "Both sides have the same signed head", "The sides have signed different accounts of a session."},
	{SidesRecords, Violation, "Both sides have recorded the same messages", "A message was altered on the way or in one of the journals."},
	{SidesStatus, Violation, "Both sides agree whether a session was completed", "The holder denies an answer that the requester has."},
	{SidesLost, Notice, "Every answer that was released has arrived", "The line or a machine failed during the last message; the requester has no result."},
}

// Checks lists all checks in the order of the report. The caller owns the slice.
func Checks() []Check { return append([]Check{}, checks...) }

var checkIndex = func() map[string]int {
	m := map[string]int{}
	for i, c := range checks {
		m[c.ID] = i
	}
	return m
}()
