package audit_test

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/transcript"
)

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// abortedEntry is what a side logs of a session of which so many messages passed.
func abortedEntry(s *audittest.Session, role transcript.Party, messages int) transcript.AbortedEntry {
	sorted := slices.Clone(s.Records[:messages])
	transcript.Sort(sorted)
	head := transcript.NewHead(s.Request, s.Grant, sorted)
	request := transcript.Note{Body: s.Request.Text(), Signatures: []transcript.NamedSignature{{Name: s.Requester.Name}}}
	audittest.Resign(&request, s.Requester.Name, s.RequesterKey)
	e := transcript.AbortedEntry{Role: role, Stage: "request", Messages: head.Messages, Bytes: head.Bytes, Records: head.Records,
		Time: s.Request.Time.Add(time.Minute), Note: request}
	if messages > 0 {
		e.Stage = transcript.KindName(s.Records[messages-1].Kind)
	}
	return e
}
