package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// mostOfFewDomains is how many times as long an answer about domains may take with
// 100,000 of them as with 100.
const mostOfFewDomains = 2

// BenchmarkDomains measures what the API does with one domain and with a page of
// them among 100,000, and how many times that the same takes among 100 domains.
func BenchmarkDomains(b *testing.B) {
	few, many := domainsAPI(b, 100), domainsAPI(b, 100_000)
	for _, c := range []struct{ name, method, target, body string }{
		{"one", http.MethodGet, "/api/v1/domains/%s", ""},
		{"page", http.MethodGet, "/api/v1/domains?limit=10&after=%s", ""},
		{"change", http.MethodPut, "/api/v1/domains/%s", `{"plan": "standard", "aliases": ["%d.example.net"]}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			var first, then time.Duration
			i := 0
			for b.Loop() { // in turns: whatever else the machine does slows both down
				body := c.body
				if body != "" {
					body = fmt.Sprintf(body, i)
				}
				target := fmt.Sprintf(c.target, scaleDomain(10+i%50))
				first += few(b, c.method, target, body)
				then += many(b, c.method, target, body)
				i++
			}
			ratio := float64(then) / float64(first)
			b.ReportMetric(ratio, "x-of-100-domains")
			if i > 20 && ratio > mostOfFewDomains {
				b.Errorf("%.1f times as long as with 100 domains, must be at most %d", ratio, mostOfFewDomains)
			}
		})
	}
}

// domainsAPI is the API of a site with domains; it says how long an answer takes.
func domainsAPI(b *testing.B, domains int) func(b *testing.B, method, target, body string) time.Duration {
	b.Helper()
	site := scaleSite(domains, 0)
	var token string
	w := worldOn(b, servertest.Ground{Database: "sqlite:domains.db", Folder: b.TempDir(), Site: &site}, func(o *servertest.Options) {
		desk, err := staff.NewDesk(o.Links.Store.(staff.Store), o.Links.Secret, false)
		if err != nil {
			b.Fatal(err)
		}
		o.Desk, o.Now, o.Site = desk, nil, o.Links.Store.(servertest.Site)
		token, _, err = desk.MakeToken(b.Context(), staff.Actor{}, staff.Token{
			Name: "panel", Scopes: []string{"domains:read", "domains:write"}, Domains: []string{staff.Everywhere}, ExpiresAt: time.Now().Add(time.Hour),
		})
		if err != nil {
			b.Fatal(err)
		}
	})
	api := w.server.Staff()
	return func(b *testing.B, method, target, body string) time.Duration {
		b.Helper()
		r := httptest.NewRequestWithContext(b.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		began := time.Now()
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, r)
		took := time.Since(began)
		if answer.Code != http.StatusOK {
			b.Fatalf("%s %s: %d %s", method, target, answer.Code, answer.Body)
		}
		return took
	}
}
