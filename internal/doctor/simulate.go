package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"autoconfig/settings"
)

// Step is one thing that a program asks, and what it makes of the answer.
type Step struct {
	Request string `json:"request"`
	Answer  string `json:"answer"`
	Verdict string `json:"verdict"`
}

// Setup is the account that a program ends up with.
type Setup struct {
	Protocol settings.Protocol `json:"protocol"`
	Incoming Endpoint          `json:"incoming"`
	Outgoing Endpoint          `json:"outgoing"`
	// Leave and Days are what POP3 leaves on the server; "" where nothing is said.
	Leave string `json:"leave_on_server,omitempty"`
	Days  string `json:"days,omitempty"`
	// Origin is where it came from.
	Origin string `json:"origin"`
}

// Endpoint is a server as a program will use it.
type Endpoint struct {
	Host     string            `json:"host"`
	Port     string            `json:"port"`
	Security settings.Security `json:"security"`
	Auth     string            `json:"auth,omitempty"`
	Username string            `json:"username,omitempty"`
}

// Simulation is a program's whole way.
type Simulation struct {
	Client  string `json:"client"`
	Address string `json:"address"`
	Steps   []Step `json:"steps"`
	Account *Setup `json:"account"`
	// Why says why there is no account.
	Why   string   `json:"why,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// Simulator walks the ways of mail programs, as reference clients.md and
// protocols.md have them. It never sends a password.
type Simulator struct {
	*Checker
	// ProfileHost is the name of this service, where a person gets Apple's profile;
	// "" for a domain that isn't ours.
	ProfileHost string
}

// Clients are the programs whose way is known.
func Clients() []string {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.client
	}
	return names
}

// ways are the programs, in the order in which they are shown.
var ways = []struct {
	client string
	walk   func(*walk, context.Context) *Setup
}{
	{"thunderbird", (*walk).thunderbird},
	{"thunderbird-android", (*walk).android},
	{"outlook", (*walk).outlook},
	{"apple", (*walk).apple},
	{"evolution", (*walk).evolution},
	{"kmail", (*walk).kmail},
	{"deltachat", (*walk).deltachat},
	{"fairemail", (*walk).fairemail},
	{"nextcloud", (*walk).nextcloud},
}

// Run walks a program's way for an address.
func (s Simulator) Run(ctx context.Context, client string, address settings.Address) (Simulation, error) {
	i := slices.IndexFunc(ways, func(w struct {
		client string
		walk   func(*walk, context.Context) *Setup
	},
	) bool {
		return w.client == client
	})
	if i < 0 {
		return Simulation{}, fmt.Errorf("%q is not a program whose way is known: use one of %s", client, strings.Join(Clients(), ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, 2*checkTimeout)
	defer cancel()
	w := &walk{
		examination: &examination{Checker: s.Checker, domain: address.Domain()},
		address:     address, profileHost: s.ProfileHost,
		result: Simulation{Client: client, Address: address.String(), Steps: []Step{}},
	}
	w.result.Account = ways[i].walk(w, ctx)
	if w.result.Account == nil && w.result.Why == "" {
		w.result.Why = "nothing that it asks gives a usable account"
	}
	return w.result, nil
}

// walk is one simulation while it runs.
type walk struct {
	*examination
	address     settings.Address
	profileHost string
	result      Simulation
}

func (w *walk) note(format string, args ...any) {
	w.result.Notes = append(w.result.Notes, fmt.Sprintf(format, args...))
}

// step writes down a question and what becomes of it.
func (w *walk) step(request, answer, verdict string) {
	w.result.Steps = append(w.result.Steps, Step{request, answer, verdict})
}

// get asks a URL, and gives false where there is no answer at all.
func (w *walk) get(ctx context.Context, url string) (page, string, bool) {
	return w.ask(ctx, request{method: http.MethodGet, url: url})
}

func (w *walk) ask(ctx context.Context, r request) (p page, answer string, ok bool) {
	p, err := w.fetch(ctx, r)
	if err != nil {
		return p, err.Error(), false
	}
	answer = fmt.Sprintf("%d %s, %d bytes", p.status, p.header.Get("Content-Type"), len(p.body))
	if len(p.hops) > 0 {
		answer += " at " + p.at()
	}
	return p, answer, true
}

// mxNames are the names below which programs look by the domain's MX: its own
// without the first label, and its registrable domain (draft-ietf-mailmaint-
// autoconfig, section 4.3).
func (w *walk) mxNames(ctx context.Context) []string {
	answer, err := w.Resolver.Ask(ctx, w.domain, dns.TypeMX)
	request := "MX " + w.domain
	if err != nil {
		w.step(request, err.Error(), "goes on without")
		return nil
	}
	if len(answer.Records) == 0 {
		w.step(request, "nothing", "goes on without")
		return nil
	}
	best := slices.MinFunc(answer.Records, func(a, b dns.RR) int {
		return int(a.(*dns.MX).Preference) - int(b.(*dns.MX).Preference)
	}).(*dns.MX)
	host := strings.ToLower(strings.TrimSuffix(best.Mx, "."))
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || base == w.domain {
		w.step(request, host, "leads nowhere else")
		return nil
	}
	names := []string{base}
	if _, full, ok := strings.Cut(host, "."); ok && len(full) > len(base) {
		names = []string{full, base}
	}
	w.step(request, host, "asks autoconfig at "+strings.Join(names, " and "))
	return names
}

var errStops = errors.New("it stops here")

// describe is a setup in a few words, for a verdict.
func describe(s *Setup) string {
	return strings.ToUpper(string(s.Protocol)) + " " + s.Incoming.Host + ":" + s.Incoming.Port
}
