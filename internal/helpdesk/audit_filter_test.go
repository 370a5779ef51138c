package helpdesk_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// The log is narrowed down by who, what, about what and when, page after page and in the
// export, on each kind of database; nobody sees more by it.
func TestTheAuditLogIsFiltered(t *testing.T) {
	servertest.OnEachGround(t, &databases, func(t *testing.T, g servertest.Ground) {
		o, _, db := frailOffice(t, g)
		v := o.SignedIn(t, "eva", staff.Admin, "*")
		bounded := o.SignedIn(t, "otto", staff.Admin, "example.net")
		insert := func(at int, actor, action, subject, domain string) {
			if _, err := db.ExecContext(t.Context(), `INSERT INTO audit (at, actor, actor_id, actor_issuer, action, subject, domain, detail)
				VALUES (?, ?, '', '', ?, ?, ?, '')`, at, actor, action, subject, domain); err != nil {
				t.Fatal(err)
			}
		}
		const day = 24 * 60 * 60
		for i := range 250 { // 2001-01-01 and after
			insert(978307200+i*day, "token:panel", "account added", fmt.Sprintf("a%d@example.com", i), "example.com")
		}
		insert(978307200, "staff:rosa", "link made", "Rosa@example.com", "example.com")
		insert(978307200+day, "command line", "domain added", "example.net", "example.net")
		count := func(v *servertest.Visitor, query string) int {
			t.Helper()
			r, page := v.Get("/helpdesk/audit?" + query)
			if r.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", query, r.Status)
			}
			return strings.Count(page, `<th scope="row">`)
		}
		for query, want := range map[string]int{
			"who=rosa": 1, "who=staff:rosa": 1, "who=panel": 100, "who=ros": 0, "who=command+line": 1,
			"what=link+made": 1, "what=link%25": 0, "about=Rosa@EXAMPLE.com": 1, "about=a7@example.com": 1, "about=EXAMPLE.net": 1,
			"about=example.com&what=link+made": 1, "from=2001-01-02&to=2001-01-02": 2, "from=2001-01-02&to=2001-01-03&who=panel": 2,
			"to=2001-01-01": 2, "who=%27+OR+1=1+--": 0, "about=%25": 0,
		} {
			if got := count(v, query); got != want {
				t.Errorf("%s: %d entries, want %d", query, got, want)
			}
		}
		if got := count(bounded, "about=example.com"); got != 0 {
			t.Errorf("who serves example.net sees %d entries of example.com", got)
		}
		// The next page keeps the filter.
		_, page := v.Get("/helpdesk/audit?who=panel")
		_, older, _ := strings.Cut(page, `href="/helpdesk/audit?who=panel&amp;before=`)
		id, _, _ := strings.Cut(older, `"`)
		if got := count(v, "who=panel&before="+id); got != 100 {
			t.Errorf("the next page has %d", got)
		}
		if _, text := v.Get("/helpdesk/audit.csv?who=panel&to=2001-01-10"); strings.Count(text, "\n") != 11 {
			t.Errorf("exported:\n%s", text)
		}
		if r, page := v.Get("/helpdesk/audit?from=1.2.2001"); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, "2026-11-30") {
			t.Errorf("a wrong date: %s", r.Status)
		}
		// Every act that is written down can be chosen.
		_, page = v.Get("/helpdesk/audit")
		for _, action := range actionsIn(t, "../staff", "../admin") {
			if !strings.Contains(page, `<option lang="en">`+action+"</option>") && !slices.Contains([]string{"change", "meanwhile", "x"}, action) {
				t.Errorf("%q can't be chosen", action)
			}
		}
	})
}
