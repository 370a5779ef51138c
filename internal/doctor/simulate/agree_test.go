package simulate

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"autoconfig/clients/reading"
)

// What our readers make of a document is what the real programs made of it.
func TestReadersAgreeWithTheTable(t *testing.T) {
	t.Parallel()
	for client, read := range map[string]func(reading.Document, reading.Person) (*reading.Account, error){
		"thunderbird": reading.Thunderbird, "evolution": reading.Evolution,
	} {
		golden := readTable(t, client)
		for _, r := range documentRows(t) {
			t.Run(client+"/"+r.name, func(t *testing.T) {
				want := golden.line(t, r)
				account, err := read(*r.document, r.person())
				got := r.abstract(verdict{Account: account})
				if diff := gocmp.Diff(want.Account, got.Account); diff != "" {
					t.Errorf("the table (%s) and our reader (%v):\n%s\n%.3000s", want.Why, err, diff, r.document.Body)
				}
			})
		}
	}
}

// What our Autodiscover reader makes of an answer is what Thunderbird made of it.
func TestTheAutodiscoverReaderAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	golden := readTable(t, "thunderbird")
	for _, r := range poxRows(t) {
		t.Run(r.name, func(t *testing.T) {
			want := golden.line(t, r)
			account, redirect, err := reading.ThunderbirdAutodiscover(*r.pox, r.person(), "")
			got := r.abstract(verdict{Account: account})
			if diff := gocmp.Diff(want.Account, got.Account); diff != "" || redirect != "" {
				t.Errorf("the table (%s) and our reader (%v):\n%s\n%s", want.Why, err, diff, r.pox.Body)
			}
		})
	}
}

// Where the simulated programs end up is where the real ones did.
func TestSimulationsAgreeWithTheTable(t *testing.T) {
	t.Parallel()
	rows := worldRows()
	s := newStage(t, rows, false)
	for _, client := range []string{"thunderbird", "evolution"} {
		golden := readTable(t, client)
		for _, r := range rows {
			t.Run(client+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				want := golden.line(t, r)
				got := s.simulate(t, client, r)
				if differences[client][r.name] != "" {
					return
				}
				if diff := gocmp.Diff(shown(r, want.Account), bare(r, got.Account)); diff != "" {
					t.Errorf("the table (%s) and the simulation:\n%s\n%+v", want.Why, diff, got.Steps)
				}
			})
		}
	}
}

// differences are where a simulation ends up elsewhere than the program, with the reason
// that docs/divergences.md has as well.
var differences = map[string]map[string]string{
	"evolution":   {"http: compressed, but not really": "what isn't compressed is taken as it is, and our HTTP refuses it"},
	"thunderbird": {"odd: an answer of more than a kilobyte": "its buffer has 1,024 bytes, and what doesn't fit into it is nothing to it"},
}

// shown is an account of the table as a simulation shows it.
func shown(r row, a *reading.Account) *Setup {
	if a == nil {
		return nil
	}
	return bare(r, setupOf(a, ""))
}

// bare is a setup without where it came from, and with D for the row's domain.
func bare(r row, s *Setup) *Setup {
	if s == nil {
		return nil
	}
	same := *s
	same.Origin = ""
	for _, e := range []*Endpoint{&same.Incoming, &same.Outgoing} {
		e.Username = strings.ReplaceAll(e.Username, r.domain(), "D")
		e.Host = strings.ReplaceAll(e.Host, r.domain(), "D")
	}
	return &same
}

// sameRequests holds a program's requests against the simulator's: it asks nothing that
// the simulator doesn't, and all that the simulator takes. Thunderbird cuts requests
// that can't win any more, so that some of the others never arrive; Evolution asks one
// after the other.
func (s *stage) sameRequests(t *testing.T, client string) {
	t.Helper()
	for _, r := range worldRows() {
		actual := s.asked(r)
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s.sameRequestsIn(t, client, r, actual)
		})
	}
}

func (s *stage) sameRequestsIn(t *testing.T, client string, r row, actual []string) {
	t.Helper()
	got := s.simulate(t, client, r)
	simulated := s.asked(r)
	if differences[client][r.name] != "" {
		return
	}
	if client == "evolution" {
		if diff := gocmp.Diff(actual, simulated); diff != "" {
			t.Errorf("the requests of %s and of the simulation:\n%s", client, diff)
		}
		return
	}
	for _, request := range actual {
		if !slices.Contains(simulated, request) {
			t.Errorf("%s really asks %s", client, request)
		}
	}
	for _, step := range got.Steps {
		needed := slices.Contains(simulated, step.Request) && !strings.HasPrefix(step.Verdict, "asked as well")
		if needed && !slices.Contains(actual, step.Request) {
			t.Errorf("%s doesn't ask %s", client, step.Request)
		}
	}
}
