package doctor

import (
	"strings"
	"testing"
	"time"
)

// A certificate that couldn't be got is found before a program meets its lack: an error
// where programs fail now, a warning while the older one lasts.
func TestFailedOrdersAreFound(t *testing.T) {
	t.Parallel()
	next := time.Date(2026, 11, 26, 17, 0, 0, 0, time.UTC)
	for code, want := range map[Code]Severity{
		CertDNS: Info, CertReach: Error, CertCAA: Error, CertLimit: Error, CertOwnLimit: Error,
		CertRefused: Error, CertAccount: Error, CertServer: Error, CertInternal: Error,
	} {
		for _, c := range []struct {
			name   string
			served bool
			want   Severity
		}{
			{"autoconfig.example.com", false, want},
			{"autoconfig.example.com", true, map[bool]Severity{true: Info, false: Warning}[code == CertDNS]},
			{"ua-auto-config.example.com", false, Info},
		} {
			w := newWorld(t)
			w.checker.Only = []Part{PartTLS}
			w.plan.Orders = []FailedOrder{{Name: c.name, Code: code, Reason: "the reason", Next: next, Served: c.served}}
			var found []Finding
			for _, f := range w.check(t).Findings {
				if strings.HasPrefix(string(f.Code), "CERT-") {
					found = append(found, f)
				}
			}
			if len(found) != 1 || found[0].Code != code || found[0].Severity != c.want || found[0].Subject != c.name ||
				found[0].Seen != "the reason; next try 2026-11-26 17:00 UTC" || found[0].Remedy == "" {
				t.Errorf("%s for %s, served %v: %+v, want severity %s", code, c.name, c.served, found, c.want)
			}
		}
	}
}
