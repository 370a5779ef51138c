// Package simulate walks the ways of mail programs: what each of them asks, in its
// order, what it takes of the answers, and the account that it ends up with. What is
// known of them, and from where, is in docs/clients.md.
package simulate

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"autoconfig/clients"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// timeout bounds the whole way of one program.
const timeout = time.Minute

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

// Result is a program's whole way.
type Result struct {
	Client  string `json:"client"`
	Address string `json:"address"`
	Steps   []Step `json:"steps"`
	Account *Setup `json:"account"`
	// Why says why there is no account.
	Why   string   `json:"why,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// Simulator walks the ways of mail programs. It never sends a password.
type Simulator struct {
	probe.Prober
	// ProfileHost is the name of this service, where a person gets Apple's profile;
	// "" for a domain that isn't ours.
	ProfileHost string
}

// ways are the programs' ways, by the words of [clients.Simulations].
var ways = map[string]func(*simulation, context.Context) *Setup{
	"thunderbird":         (*simulation).thunderbird,
	"thunderbird-android": (*simulation).android,
	"outlook":             (*simulation).outlook,
	"apple":               (*simulation).apple,
	"evolution":           (*simulation).evolution,
	"kmail":               (*simulation).kmail,
	"deltachat":           (*simulation).deltachat,
	"fairemail":           (*simulation).fairemail,
	"nextcloud":           (*simulation).nextcloud,
}

// userAgents are sent for programs that servers answer differently: Autodiscover's error 501
// goes to Thunderbird where it would change the login (thunderbird/login.go).
var userAgents = map[string]string{
	"thunderbird": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0",
}

// Run walks a program's way for an address. It takes a minute at most.
func (s Simulator) Run(ctx context.Context, name string, address settings.Address) (Result, error) {
	way, known := ways[name]
	if !known {
		return Result{}, fmt.Errorf("%q is not a program whose way is known: use one of %s",
			name, strings.Join(clients.Simulations(), ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sim := &simulation{
		Simulator: s, domain: address.Domain(), address: address,
		result: Result{Client: name, Address: address.String(), Steps: []Step{}},
	}
	sim.result.Account = way(sim, ctx)
	if sim.result.Account == nil && sim.result.Why == "" {
		sim.result.Why = "nothing that it asks gives a usable account"
	}
	return sim.result, nil
}

// simulation is one way while it is walked.
type simulation struct {
	Simulator
	domain  string
	address settings.Address
	result  Result
}

func (sim *simulation) note(format string, args ...any) {
	sim.result.Notes = append(sim.result.Notes, fmt.Sprintf(format, args...))
}

// step writes down a question and what becomes of it.
func (sim *simulation) step(request, answer, verdict string) {
	sim.result.Steps = append(sim.result.Steps, Step{request, answer, verdict})
}

// get asks a URL, and gives false where there is no answer at all.
func (sim *simulation) get(ctx context.Context, url string) (probe.Page, string, bool) {
	return sim.ask(ctx, probe.Get(url))
}

func (sim *simulation) ask(ctx context.Context, r probe.Request) (p probe.Page, answer string, ok bool) {
	if agent := userAgents[sim.result.Client]; agent != "" {
		r.Header = maps.Clone(r.Header)
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header["User-Agent"] = agent
	}
	p, err := sim.Fetch(ctx, r)
	if err != nil {
		return p, err.Error(), false
	}
	answer = fmt.Sprintf("%d %s, %d bytes", p.Status, p.Header.Get("Content-Type"), len(p.Body))
	if len(p.Hops) > 0 {
		answer += " at " + p.At()
	}
	return p, answer, true
}

// mxNames are the names below which programs look by the domain's MX: its own
// without the first label, and its registrable domain (draft-ietf-mailmaint-
// autoconfig, section 4.3).
func (sim *simulation) mxNames(ctx context.Context) []string {
	answer, err := sim.Resolver.Ask(ctx, sim.domain, dns.TypeMX)
	request := "MX " + sim.domain
	if err != nil {
		sim.step(request, err.Error(), "goes on without")
		return nil
	}
	host := answer.BestMX()
	if host == "" {
		sim.step(request, "nothing", "goes on without")
		return nil
	}
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || base == sim.domain {
		sim.step(request, host, "leads nowhere else")
		return nil
	}
	names := []string{base}
	if _, full, ok := strings.Cut(host, "."); ok && len(full) > len(base) {
		names = []string{full, base}
	}
	sim.step(request, host, "asks autoconfig at "+strings.Join(names, " and "))
	return names
}

// nextcloudMX are the names at which Nextcloud Mail asks everything once more: the mail
// exchanger's own, the one above it, and the last two labels of it.
func (sim *simulation) nextcloudMX(ctx context.Context) []string {
	answer, err := sim.Resolver.Ask(ctx, sim.domain, dns.TypeMX)
	request := "MX " + sim.domain
	host := answer.BestMX()
	if err != nil || host == "" {
		sim.step(request, "nothing", "goes on without")
		return nil
	}
	names := []string{host}
	add := func(name string) {
		suffix, _ := publicsuffix.PublicSuffix(name)
		if name != "" && name != suffix && name != sim.domain && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	_, above, _ := strings.Cut(host, ".")
	add(above)
	labels := strings.Split(host, ".")
	add(strings.Join(labels[max(0, len(labels)-2):], "."))
	sim.step(request, host, "asks at "+strings.Join(names, " and "))
	return names
}

// describe is a setup in a few words, for a verdict.
func describe(s *Setup) string {
	return strings.ToUpper(string(s.Protocol)) + " " + s.Incoming.Host + ":" + s.Incoming.Port
}

// setupOf is an account as it is shown.
func setupOf(a *reading.Account, origin string) *Setup {
	side := func(s reading.Server) Endpoint {
		if s.Type == "" {
			return Endpoint{}
		}
		return Endpoint{s.Host, strconv.Itoa(s.Port), s.Security, s.Auth, s.Username}
	}
	s := &Setup{
		Protocol: settings.Protocol(a.Incoming.Type),
		Incoming: side(a.Incoming),
		Outgoing: side(a.Outgoing),
		Origin:   origin,
	}
	if a.Retention != nil {
		s.Leave, s.Days = strconv.FormatBool(a.Retention.Leave), strconv.Itoa(a.Retention.Days)
	}
	return s
}

// hostOf is the host of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
