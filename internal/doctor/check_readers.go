package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// place is a requested URL, and what programs make of the answer.
type place struct {
	// document is set for a page meant as a document; other pages may end a search too.
	document bool
	kind     placeKind
	url      string
	readings []programReading
	// hosts are its incoming servers; imap is set if one is for IMAP. weaker are the
	// programs that choose less security than is offered, nobodies those whose login
	// can't be the person's.
	hosts    []string
	imap     bool
	weaker   []string
	nobodies []string
}

type placeKind string

const (
	autoconfigPlace   placeKind = "autoconfig"
	autodiscoverPlace placeKind = "Autodiscover"
)

// means reports whether a page is meant as such a document, however broken.
func (k placeKind) means(body []byte) bool {
	if k == autoconfigPlace {
		return isConfig(body)
	}
	return isPOX(body)
}

// programReading is what one program, known by several names, reads in a document: an
// account, or why there is none.
type programReading struct {
	program, names string
	account        *reading.Account
	err            error
	// ended is set if the program looks no further.
	ended bool
}

func asDocument(p probe.Page) reading.Document {
	return reading.Document{ContentType: p.Header.Get("Content-Type"), Body: p.Body}
}

// somebody is the person of the requested address.
func (c *check) somebody() reading.Person {
	address := localPart + "@" + c.domain
	return reading.Person{Email: address, RealName: address}
}

// readByAll reads a page as every program with a known reader does, except for those that
// it redirects.
func (c *check) readByAll(kind placeKind, p probe.Page) *place {
	pl := &place{document: true, kind: kind, url: p.Asked}
	for _, program := range reading.Programs() {
		if !answers(program.ID, p.Status) || kind == autoconfigPlace && !c.gets(program.ID, p) {
			continue
		}
		r := programReading{program: program.ID, names: clients.NameOf(program.ID)}
		var redirect reading.Redirect
		switch {
		case kind == autoconfigPlace && program.Config != nil:
			r.account, r.err = program.Config(asDocument(p), c.somebody())
		case kind == autodiscoverPlace && program.Autodiscover != nil && program.ID != getsAutodiscover:
			r.account, redirect, r.err = program.Autodiscover(asDocument(p), c.somebody())
		default:
			continue
		}
		if redirect != (reading.Redirect{}) {
			continue
		}
		r.ended = r.err != nil && ends(r, p)
		if r.err == nil {
			r.err = cantConnect(r)
		}
		if r.err != nil {
			r.account = nil
		}
		pl.readings = append(pl.readings, r)
	}
	return pl
}

// getsAutodiscover is the program that requests Autodiscover by GET, which may get another
// answer than the POST here.
const getsAutodiscover = "deltachat"

// answers reports whether a program reads a page with this status.
func answers(program string, status int) bool {
	switch program {
	case "thunderbird", "evolution":
		return status >= 200 && status < 300
	case "nextcloud":
		return status < 400
	case "kmail", "deltachat":
		return true
	}
	return status == http.StatusOK
}

// ends reports whether a program ends its search at a page without an account.
func ends(r programReading, p probe.Page) bool {
	switch r.program {
	case "thunderbird":
		return !errors.Is(r.err, reading.ErrNothing)
	case "kmail":
		return p.Status == http.StatusOK
	case "deltachat":
		return reading.Ends(r.err) || !strings.Contains(string(p.Body), "<")
	}
	return reading.Ends(r.err)
}

// usualPorts are the programs that read port 0 as the usual port.
var usualPorts = []string{"thunderbird", "outlook", "deltachat"}

// cantConnect explains why an account that a program sets up can't work.
func cantConnect(r programReading) error {
	for _, s := range []reading.Server{r.account.Incoming, r.account.Outgoing} {
		switch {
		case s.Type == "", s.Type == "exchange", s.Type == "ews":
		case !reading.IsHost(s.Host):
			return fmt.Errorf("it sets up %s with the host %q, which is no host name", strings.ToUpper(s.Type), s.Host)
		case s.Port < 0 || s.Port > 65535 || s.Port == 0 && !slices.Contains(usualPorts, r.program):
			return fmt.Errorf("it sets up %s with the port %d", strings.ToUpper(s.Type), s.Port)
		}
	}
	if r.account.Incoming.Type == "" {
		return errors.New("it finds no incoming server")
	}
	return nil
}

// refusals are the readings without an account where one is expected. It isn't expected of
// a program that knows only IMAP in a document with only POP3, and the media type is a
// finding of its own.
func (c *check) refusals(pl *place) []programReading {
	return slices.DeleteFunc(slices.Clone(pl.readings), func(r programReading) bool {
		return r.err == nil || errors.Is(r.err, reading.ErrNothing) || reading.IsMediaType(r.err) ||
			!c.concerns(r.program, pl.imap)
	})
}

// concerns reports whether a program should find an account: it must know the protocol
// that is handed out or published.
func (c *check) concerns(program string, imap bool) bool {
	if c.plan != nil {
		imap = c.plan.Terms.DefaultProtocol() == settings.IMAP
	}
	return imap || slices.ContainsFunc(clients.All(), func(known clients.Client) bool {
		return known.Simulation == program && known.POP3.How == clients.ByItself
	})
}

// said collects statements, each with all programs that it applies to.
type said struct {
	order []string
	names map[string][]string
}

func (s *said) add(names, text string) {
	if s.names == nil {
		s.names = map[string][]string{}
	}
	if s.names[text] == nil {
		s.order = append(s.order, text)
	}
	s.names[text] = append(s.names[text], names)
}

// String puts the first program before each statement, and the others after it.
func (s *said) String() string {
	parts := make([]string, len(s.order))
	for i, text := range s.order {
		names := s.names[text]
		parts[i] = names[0] + ": " + text
		if len(names) > 1 {
			parts[i] += " (" + strings.Join(names[1:], ", ") + " as well)"
		}
	}
	return strings.Join(parts, "; ")
}

// namesOf are all programs of readings.
func namesOf(readings []programReading) string {
	all := make([]string, len(readings))
	for i, r := range readings {
		all[i] = r.names
	}
	return strings.Join(all, ", ")
}

// reportRefusals reports the programs that refuse a document as one finding; a refusal that
// a reported value explains is added to the finding about that value.
func (c *check) reportRefusals(url string, values []Finding, refused []programReading) {
	var rest said
	for _, r := range refused {
		i := slices.IndexFunc(values, func(f Finding) bool {
			return f.Code == ConfigValue && mentions(r.err.Error(), f.Seen)
		})
		if i < 0 {
			rest.add(r.names, r.err.Error())
			continue
		}
		if before, ok := strings.CutSuffix(values[i].Seen, ")"); ok && strings.Contains(before, noAccountIn) {
			values[i].Seen = before + ", " + r.names + ")"
		} else {
			values[i].Seen += noAccountIn + r.names + ")"
		}
	}
	for _, f := range values {
		c.report(f)
	}
	if len(rest.order) > 0 {
		c.report(Finding{Code: ConfigRefused, Subject: url, Seen: rest.String(), Expected: "an account"})
	}
}

const noAccountIn = " (no account in "

// mentions reports whether a reason is about a value: "socketType TLS" mentions TLS.
func mentions(reason, seen string) bool {
	seen, _, _ = strings.Cut(seen, noAccountIn)
	value := seen[strings.LastIndexByte(seen, ' ')+1:]
	return value != "" && (strings.Contains(reason, `"`+value+`"`) ||
		strings.Contains(reason, "("+value+")") || strings.HasSuffix(reason, " "+value))
}

// judgeLogins reports the logins that can't be the person's as one finding.
func (c *check) judgeLogins(pl *place, values []Finding) {
	var bad said
	for _, r := range pl.readings {
		if r.account == nil {
			continue
		}
		var before string
		for _, s := range []reading.Server{r.account.Incoming, r.account.Outgoing} {
			if s.Type == "" || s.Auth == "none" || len(r.account.Tries) > 0 || !nobodys(s.Username) ||
				s.Username == before && before != "" {
				continue
			}
			if slices.ContainsFunc(values, func(f Finding) bool {
				return f.Code == ConfigValue && f.Seen == s.Username
			}) {
				continue
			}
			before = s.Username
			pl.nobodies = append(pl.nobodies, r.program)
			bad.add(r.names, fmt.Sprintf("the login %q at %s", s.Username, s.Host))
		}
	}
	if len(bad.order) > 0 {
		c.report(Finding{Code: ConfigLogin, Subject: pl.url, Seen: bad.String(), Expected: "the person's login"})
	}
}

var placeholder = regexp.MustCompile("(?i)%EMAIL|EMAILADDRESS%|%REALNAME|%[A-Z]+%")

// nobodys reports whether a login can't be anybody's: it has the rest of a placeholder, an
// empty side of the @, a line break, or what Thunderbird's reader makes of a missing or
// malformed element.
func nobodys(login string) bool {
	return strings.Trim(login, " \t\r\n@") == "" || strings.HasPrefix(login, "@") || strings.HasSuffix(login, "@") ||
		strings.ContainsAny(login, "\r\n\x00") || placeholder.MatchString(login) ||
		slices.Contains([]string{"undefined", "true", "false", "NaN", "[object Object]"}, login)
}
