package helpdesk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// A link is found by its address or its note, and by its state, on each kind of
// database; nobody finds another's.
func TestLinksAreFound(t *testing.T) {
	servertest.OnEachGround(t, &databases, func(t *testing.T, g servertest.Ground) {
		o := g.Office(t)
		v, bounded := o.SignedIn(t, "Eva", staff.Staff, "*"), o.SignedIn(t, "otto", staff.Staff, "only.example")
		for _, form := range []url.Values{
			{"address": {"office@example.com"}, "note": {"Ticket 47_11"}}, {"address": {"workshop@example.com"}, "note": {"Ticket 47x11"}},
		} {
			form["hours"], form["uses"], form["once"] = []string{"1"}, []string{"1"}, form["note"]
			if r, _ := v.Post("/helpdesk/links", form); r.StatusCode != http.StatusSeeOther && r.StatusCode != http.StatusOK {
				t.Fatal(r.Status)
			}
		}
		for query, want := range map[string]int{
			"": 2, "q=ticket+47_11": 1, "q=TICKET": 2, "q=WORKSHOP": 1, "q=%25": 0, "q=nothing": 0, "state=open": 2, "state=used": 0,
			"q=workshop&state=open": 1, "state=nonsense": 2,
		} {
			r, page := v.Get("/helpdesk/links?" + query)
			if got := strings.Count(page, `<th scope="row">`); r.StatusCode != http.StatusOK || got != want {
				t.Errorf("%q: %s, %d links, want %d", query, r.Status, got, want)
			}
		}
		if _, page := v.Get("/helpdesk/links?q=nothing"); !strings.Contains(page, "No link matches.") {
			t.Error(page)
		}
		if _, page := bounded.Get("/helpdesk/links?q=ticket"); strings.Contains(page, `<th scope="row">`) {
			t.Error("another's link is found")
		}
	})
}
