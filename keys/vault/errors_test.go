package vault

import (
	"errors"
	"strings"
	"testing"
)

func TestClassifyStatus(t *testing.T) {
	for _, tc := range []struct {
		status int
		text   string
		want   error
		again  bool
	}{
		{403, "1 error occurred:\n\t* permission denied\n\n", ErrDenied, false},
		{500, "invalid secret id", ErrLogin, false},
		{400, "invalid role or secret ID", ErrLogin, false},
		{503, "Vault is sealed", ErrSealed, false},
		{503, "security barrier not initialized", ErrSealed, false},
		{503, "", ErrUnreachable, true},
		{502, "<html>bad gateway", ErrUnreachable, true},
		{504, "", ErrUnreachable, true},
		{429, "rate limit quota exceeded", ErrUnreachable, true},
		{500, "local node not active but active cluster node not found", ErrStandby, true},
		{500, "internal error", ErrServer, false},
		{404, "", errNotThere, false},
		{404, "no handler for route 'x/y'", ErrNotProvisioned, false},
		{400, "encryption key not found", ErrNotProvisioned, false},
		{400, "check-and-set parameter did not match the current version", errMismatch, false},
		{400, "requested version for signing is less than the minimum encryption key version", errVersion, false},
		{400, "ciphertext or signature version is disallowed by policy (too old)", errVersion, false},
		{400, "Upgrading from non-versioned to versioned data. This backend will be unavailable", ErrServer, true},
		{418, "", ErrServer, false},
	} {
		err := classifyStatus(tc.status, tc.text, false)
		if !errors.Is(err, tc.want) || passes(err) != tc.again {
			t.Errorf("%d %q: %v, again %v", tc.status, tc.text, err, passes(err))
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%d: several lines", tc.status)
		}
		if hushed := classifyStatus(tc.status, tc.text+" hvs.secret", true); strings.Contains(hushed.Error(), "hvs.") {
			t.Errorf("%d: the server's text was passed on: %v", tc.status, hushed)
		}
	}
	if err := classifyStatus(500, strings.Repeat("x", 1000), false); len(err.Error()) > 300 {
		t.Errorf("long text: %d characters", len(err.Error()))
	}
}
