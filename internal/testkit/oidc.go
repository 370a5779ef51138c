package testkit

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// OIDC is a real OpenID provider. Everybody in it signs in by name, with any
// password; an ID token works for a minute.
type OIDC struct{ Issuer, ClientID, Secret string }

// StartOIDC starts a provider with people and their claims, for one client that
// is led back to redirect. root is the repository's folder as seen from the test.
// It ends with the test.
func StartOIDC(t testing.TB, root, redirect string, people map[string]map[string]any) *OIDC {
	t.Helper()
	Need(t, "node")
	module, err := filepath.Abs(filepath.Join(root, "bin/oidc/node_modules/oidc-provider/lib/index.js"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(module); err != nil {
		unmet(t, "needs oidc-provider: sh scripts/install-parts")
	}
	script, err := filepath.Abs(filepath.Join(root, "internal/testkit/oidc-provider.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	users, err := json.Marshal(people)
	if err != nil {
		t.Fatal(err)
	}
	addr := FreeAddress(t)
	o := &OIDC{Issuer: "http://" + addr, ClientID: "autoconfig", Secret: "a secret between client and provider"}
	startProcess(t, t.TempDir(), "node", script, module, addr[len("127.0.0.1:"):], redirect, o.Secret, string(users))
	poll(t, "the OpenID provider doesn't answer", func(ctx context.Context) bool {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Issuer+"/.well-known/openid-configuration", nil)
		if err != nil {
			return false
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return o
}
