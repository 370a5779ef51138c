package server_test

import (
	"io"
	"net/http"
	"testing"
)

// The form is rendered once for all who ask for it alike; another brand, language or
// domain, or a Mac that may be an iPad, has another one, however often and in which order each is asked for.
func TestKeptFormsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	kept := newWorld(t)
	seen := map[string]string{}
	for range 2 {
		for _, host := range []string{"autoconfig.example.com", "autoconfig.login.example", "other.example"} {
			for _, language := range []string{"en", "de", "ja"} {
				for _, agent := range []string{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"} {
					ask := func(w *world) string {
						r := w.ask(t, http.MethodGet, "http://"+host+"/", "", "Accept-Language", language, "User-Agent", agent)
						text, err := io.ReadAll(r.Body)
						if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Language") == "" {
							t.Fatalf("%d %v %v", r.StatusCode, r.Header, err)
						}
						return string(text)
					}
					key := host + language + agent
					if seen[key] == "" {
						seen[key] = ask(newWorld(t)) // which has kept nothing
					}
					if got := ask(kept); got != seen[key] {
						t.Errorf("%s gets another form:\n%s\nnot\n%s", key, got, seen[key])
					}
				}
			}
		}
	}
	distinct := map[string]bool{}
	for _, text := range seen {
		distinct[text] = true
	}
	if len(distinct) < 12 {
		t.Errorf("only %d of the forms differ", len(distinct))
	}
}
