package doctor

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/clients/reading"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// offered is the part of a configuration on which all documents and programs must agree.
type offered struct {
	protocol           settings.Protocol
	incoming, outgoing reading.Server
}

func (o offered) String() string {
	return strings.ToUpper(string(o.protocol)) + " " + endpoint(o.incoming) + ", SMTP " + endpoint(o.outgoing)
}

func endpoint(s reading.Server) string {
	if s.Type == "" {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprintf("%s:%d %s", strings.ToLower(s.Host), s.Port, inWords[s.Security]))
}

var inWords = map[settings.Security]string{
	settings.TLS:      "with TLS",
	settings.STARTTLS: "with STARTTLS",
	settings.None:     "in plaintext",
}

func offeredBy(a *reading.Account) offered {
	return offered{settings.Protocol(a.Incoming.Type), a.Incoming, a.Outgoing}
}

// same compares two offers; a port or security that a program leaves open matches any.
func (o offered) same(want offered) bool {
	fits := func(a, b reading.Server) bool {
		return strings.EqualFold(a.Host, b.Host) && (a.Port == b.Port || a.Port == 0) &&
			(a.Security == b.Security || a.Security == "")
	}
	return o.protocol == want.protocol && fits(o.incoming, want.incoming) && fits(o.outgoing, want.outgoing)
}

// whole reports whether ports and securities are all set.
func (o offered) whole() bool {
	return o.incoming.Port > 0 && o.incoming.Security != "" && o.outgoing.Port > 0 && o.outgoing.Security != ""
}

// policyOffers is the offer that the policy has for an unknown account.
func (c *check) policyOffers() (offered, settings.Settings, bool) {
	address, err := settings.ParseAddress(localPart + "@" + c.domain)
	if c.plan == nil || err != nil {
		return offered{}, settings.Settings{}, false
	}
	s := c.plan.Terms.PublicSettings(address, c.plan.Terms.Unknown(address))
	side := func(kind settings.Protocol, s settings.Server) reading.Server {
		return reading.Server{Type: string(kind), Host: s.Host, Port: s.Port, Security: s.Security}
	}
	return offered{s.Decision.Protocol, side(s.Decision.Protocol, s.Incoming), side(settings.SMTP, s.Outgoing)}, s, true
}

// agree compares all that programs set up: with the policy or, without one, with one another.
func (c *check) agree(places []*place) {
	want, policy, ours := c.policyOffers()
	from := map[bool]string{true: "the policy"}[ours]
	taken := map[string]bool{} // programs that have an account
	ended := map[string]bool{} // programs that ask for no further document
	for _, pl := range places {
		var others, logins said
		published := true
		for _, r := range pl.readings {
			if !pl.taken(r, ended, taken) {
				continue
			}
			got := offeredBy(r.account)
			if !ours && from == "" {
				if !got.whole() {
					continue
				}
				want, from = got, pl.url
			}
			switch {
			case !got.same(want) && (ours || !slices.Contains(pl.weaker, r.program)):
				others.add(r.names, got.String())
				published = published && slices.Contains(pl.hosts, strings.ToLower(r.account.Incoming.Host))
			case ours && !rightLogin(r.account, policy) && !slices.Contains(pl.nobodies, r.program):
				logins.add(r.names, fmt.Sprintf("the login %q at %s", r.account.Incoming.Username, r.account.Incoming.Host))
			}
		}
		c.disagreement(pl.url, &others, want.String()+" ("+from+")", pl.url == from && published)
		if len(logins.order) > 0 {
			c.report(Finding{Code: ConfigLogin, Subject: pl.url, Seen: logins.String(), Expected: policy.IncomingLogin.Literal})
		}
	}
	if len(taken) > 0 || ours {
		c.without(places, taken)
	}
}

// taken reports whether a program makes its account from a reading, and records that it does.
func (pl *place) taken(r programReading, ended, taken map[string]bool) bool {
	if pl.kind == autoconfigPlace && ended[r.program] {
		return false
	}
	ended[r.program] = r.ended
	if r.account == nil || pl.kind == autodiscoverPlace && taken[r.program] {
		return false
	}
	taken[r.program] = true
	return true
}

// disagreement reports the programs that set up something else than expected; as a
// warning if mild, where one only takes another of several servers.
func (c *check) disagreement(url string, others *said, expected string, mild bool) {
	if len(others.order) == 0 {
		return
	}
	f := Finding{Code: ConfigDisagrees, Subject: url, Seen: others.String(), Expected: expected}
	if mild {
		f.Severity = Warning
	}
	c.report(f)
}

// rightLogin reports whether a program's login is the policy's, or one that it tries.
func rightLogin(a *reading.Account, policy settings.Settings) bool {
	in := append([]string{a.Incoming.Username}, a.Tries...)
	out := append([]string{a.Outgoing.Username}, a.Tries...)
	is := func(list []string, want string) bool {
		return want == "" || slices.ContainsFunc(list, func(login string) bool { return strings.EqualFold(login, want) })
	}
	outgoing := a.Outgoing.Type == "" || a.Outgoing.Auth == "none" || is(out, policy.OutgoingLogin.Literal)
	return is(in, policy.IncomingLogin.Literal) && outgoing
}

// without reports the programs that find no account although something is published
// where they ask, and that no other finding names.
func (c *check) without(places []*place, taken map[string]bool) {
	imap := slices.ContainsFunc(places, func(pl *place) bool { return pl.imap })
	var names []string
	for _, program := range reading.Programs() {
		name := clients.NameOf(program.ID)
		asks := c.plan != nil || slices.ContainsFunc(places, func(pl *place) bool {
			return pl.document && (pl.kind == autoconfigPlace && program.Config != nil ||
				pl.kind == autodiscoverPlace && program.Autodiscover != nil)
		})
		if asks && !taken[program.ID] && c.concerns(program.ID, imap) && !c.named(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 || c.unclear {
		return
	}
	f := Finding{
		Code: ConfigNotFound, Subject: c.domain,
		Seen: "no account in " + strings.Join(names, ", "), Expected: "an account",
	}
	if c.byHTTP { // the findings about the names say how to fix it
		f.Severity = Info
		f.Remedy = "They take nothing to which plain http leads. " +
			"Get certificates for the domain's names, or set these programs up by a link or by hand."
	}
	c.report(f)
}

// named reports whether an error names a program.
func (c *check) named(program string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.findings, func(f Finding) bool {
		// "Thunderbird for Android" doesn't name Thunderbird.
		return f.Severity == Error && strings.Contains(strings.ReplaceAll(f.Seen, program+" for ", ""), program)
	})
}

// rank orders securities, and the values of socketType that mean them.
var rank = map[string]int{"ssl": 3, "tls": 3, "starttls": 2, "plain": 1, "none": 1}

// judgeWeaker reports programs that choose less security than the document offers for the
// same protocol.
func (c *check) judgeWeaker(pl *place, config *thunderbird.Config) {
	best := map[string]int{}
	for _, s := range append(slices.Clone(config.Incoming), config.Outgoing...) {
		for _, kind := range s.SocketTypes {
			best[s.Type] = max(best[s.Type], rank[strings.ToLower(kind)])
		}
	}
	var plain, starttls said
	for _, r := range pl.readings {
		if r.account == nil {
			continue
		}
		for _, s := range []reading.Server{r.account.Incoming, r.account.Outgoing} {
			if s.Type == "" || s.Security == "" || rank[string(s.Security)] >= best[s.Type] {
				continue
			}
			pl.weaker = append(pl.weaker, r.program)
			into := &starttls
			if s.Security == settings.None {
				into = &plain
			}
			into.add(r.names, strings.ToUpper(s.Type)+" "+endpoint(s))
		}
	}
	if len(plain.order) > 0 {
		c.report(Finding{
			Code: ConfigWeaker, Severity: Error, Subject: pl.url,
			Seen: plain.String(), Expected: "the server with encryption, which is published as well",
		})
	}
	if len(starttls.order) > 0 {
		c.report(Finding{
			Code: ConfigWeaker, Subject: pl.url,
			Seen: starttls.String(), Expected: "the server with implicit TLS, which is published as well",
		})
	}
}
