package api_test

import (
	"net/http"
	"strings"
	"testing"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// An address that another account has is named, with that account.
func TestAnAddressThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	if status, answer := p.Ask("PUT", "/accounts/first%40example.com", map[string]any{"addresses": []string{"shared@example.com"}}); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	body := map[string]any{"addresses": []string{"free@example.com", "shared@example.com"}}
	const want = "shared@example.com belongs to the account first@example.com"
	status, answer := p.Ask("PUT", "/accounts/second%40example.com", body)
	if detail, _ := answer["detail"].(string); status != http.StatusConflict || !strings.Contains(detail, want) {
		t.Errorf("%d %v, want %q", status, answer, want)
	}
	// It may keep what it has.
	if status, answer := p.Ask("PUT", "/accounts/first%40example.com", map[string]any{"name": "First", "addresses": []string{"shared@example.com"}}); status != http.StatusOK {
		t.Errorf("%d %v", status, answer)
	}
}
