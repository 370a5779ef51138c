package simulate

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/clients"
	"autoconfig/settings"
)

func TestEverySimulationIsAClients(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(clients.Simulations()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(ways))); diff != "" {
		t.Error(diff)
	}
}

// Where nobody answers, a program asks everywhere that the table has, in its order,
// and nowhere else. Names are asked for in any order.
func TestProgramsAskWhereTheTableSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clear(w.sites)
	w.dns.Set(t, "example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60", "example.com. 300 MX 10 mx.mail.hoster.test.")
	for _, c := range clients.All() {
		if c.Simulation == "" {
			continue
		}
		r, err := Simulator{Prober: w.prober}.Run(t.Context(), c.Simulation, settings.MustAddress("fred@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		var urls, names []string
		for _, step := range r.Steps {
			asked, _, _ := strings.Cut(step.Request, "?")
			asked = strings.NewReplacer("example.com", "D", "mx.mail.hoster.test", "MX", "mail.hoster.test", "MX", "hoster.test", "MX").Replace(asked)
			if _, url, ok := strings.Cut(asked, " "); ok && strings.HasPrefix(url, "http") {
				urls = append(urls, url)
			} else {
				names = append(names, asked)
			}
		}
		var wantURLs, wantNames []string
		for _, p := range c.Lookup.Places {
			switch text := string(p); {
			case strings.HasPrefix(text, "http"):
				wantURLs = append(wantURLs, text)
			case strings.HasPrefix(text, "SRV "):
				for _, name := range strings.Split(strings.TrimPrefix(text, "SRV "), " and ") {
					wantNames = append(wantNames, "SRV "+name)
				}
			case p == clients.MailExchanger && slices.Contains(c.Lookup.Places, clients.AutoconfigMX):
				wantNames = append(wantNames, text)
			}
		}
		slices.Sort(names)
		slices.Sort(wantNames)
		if diff := cmp.Diff(wantURLs, firsts(urls)); diff != "" {
			t.Errorf("%s (-table +simulation)\n%s", c.Name, diff)
		}
		if diff := cmp.Diff(wantNames, names); diff != "" {
			t.Errorf("%s (-table +simulation)\n%s", c.Name, diff)
		}
	}
}

// firsts are the texts without repetitions.
func firsts(list []string) []string {
	var all []string
	for _, text := range list {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
