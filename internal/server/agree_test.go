package server_test

import (
	"net/url"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/clients"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/policy/policytest"
)

var programLine = regexp.MustCompile(`<li><span>([^<]+)</span> <span class="badge \w+">([^<]+)</span>`)

// The help desk and a panel see the same programs with the same account. What the
// command line says is held against the API in cmd.
func TestTheHelpDeskAndTheAPINameTheSamePrograms(t *testing.T) {
	t.Parallel()
	sites := []policy.Site{testSite(t)}
	for seed := range 4 {
		sites = append(sites, policytest.Site().Example(seed))
	}
	for _, site := range sites {
		o := servertest.Ground{Site: &site}.Office(t)
		eva := o.SignedIn(t, "eva", staff.Admin, "*")
		panel := servertest.NewProgram(t, o, []string{"*"}, "decisions:read")
		for _, a := range site.Accounts {
			address := url.QueryEscape(a.Address.String())
			status, decided := panel.Ask("GET", "/decisions/"+url.PathEscape(a.Address.String()), nil)
			if status != 200 {
				t.Fatalf("%s: %d %v", a.Address, status, decided)
			}
			var misfits []any
			for _, kind := range []string{"misled", "by_hand", "unsuitable"} {
				misfits = append(misfits, decided[kind].([]any)...)
			}
			var want, got []string
			for _, c := range clients.All() {
				if c.Shown && c.IMAP.How != clients.ByHand && !slices.Contains(misfits, any(c.Name)) {
					want = append(want, c.Name)
				}
			}
			_, page := eva.Get("/helpdesk/account?address=" + address)
			lines := programLine.FindAllStringSubmatch(page, -1)
			for _, line := range lines {
				if line[2] == "gets this" || line[2] == "with a profile" {
					got = append(got, line[1])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || len(lines) == 0 {
				t.Errorf("%s: the API has %v, the page (+) has\n%v\n%s", a.Address, misfits, lines, diff)
			}
		}
	}
}
