package migrate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"autoconfig/internal/database"
	"autoconfig/policy"
	"autoconfig/settings"
)

// FromAutomx2 reads a database of automx2, opened read-only. Domains with the same servers share
// a plan.
func FromAutomx2(ctx context.Context, db *database.DB) (Foreign, error) {
	tables, err := readAutomx2(ctx, db)
	if err != nil {
		return Foreign{}, err
	}
	m := &automx2Import{
		tables: tables, plans: map[string]bool{}, names: map[string]bool{}, said: map[Skipped]bool{},
		servers: map[int64]automx2Server{}, dav: map[int64]automx2DAV{},
	}
	for _, s := range tables.servers {
		m.servers[s.id] = s
	}
	for _, d := range tables.dav {
		m.dav[d.id] = d
	}
	m.all()
	m.site = m.site.Normalize()
	return Foreign{m.site, m.skipped}, nil
}

type automx2Import struct {
	tables  automx2
	servers map[int64]automx2Server
	dav     map[int64]automx2DAV
	site    policy.Site
	names   map[string]bool // of domains
	plans   map[string]bool // that exist, by name
	skipped []Skipped
	said    map[Skipped]bool
}

func (m *automx2Import) skip(element, reason string, args ...any) {
	s := Skipped{element, fmt.Sprintf(reason, args...)}
	if !m.said[s] { // once for a server, not for each of its domains
		m.said[s] = true
		m.skipped = append(m.skipped, s)
	}
}

func automx2ID(n int64) string { return "automx2-" + strconv.FormatInt(n, 10) }

func (m *automx2Import) all() {
	used := map[int64]bool{}
	for _, d := range m.tables.domains {
		if m.domain(d) {
			used[d.provider] = true
		}
	}
	for _, p := range m.tables.providers {
		if used[p.id] {
			m.provider(p)
		}
	}
	for _, l := range m.tables.ldap {
		m.ldapServer(l)
	}
}

func (m *automx2Import) provider(p automx2Provider) {
	name := fmt.Sprintf("provider %d", p.id)
	to := settings.Provider{
		ID: automx2ID(p.id), Name: m.cut(name+" name", p.name, settings.MaxProviderName),
		ShortName: m.cut(name+" short_name", p.shortName, settings.MaxProviderShortName),
	}
	if to.Name == "" {
		to.Name = to.ID
	}
	m.site.Providers = append(m.site.Providers, to)
}

func (m *automx2Import) cut(element, text string, most int) string {
	if settings.CheckText(text) != nil {
		m.skip(element, "it has control characters")
		return ""
	}
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	m.skip(element, "%q is cut to %d characters, which is what programs show", text, most)
	return strings.TrimSpace(string([]rune(text)[:most]))
}

// domain reports whether the domain is imported.
func (m *automx2Import) domain(d automx2Domain) bool {
	element := "domain " + d.name
	name, err := settings.ParseDomain(d.name)
	if err != nil {
		m.skip(element, "it is not a domain name")
		return false
	}
	if m.names[name] {
		m.skip(element, "it is there twice, in different letter cases")
		return false
	}
	plan, why := m.plan(d, name)
	if why != "" {
		m.skip(element, "%s", why)
		return false
	}
	m.names[name] = true
	m.site.Domains = append(m.site.Domains, policy.Domain{
		Name: name, Plan: plan,
		Offer: policy.Offer{Provider: automx2ID(d.provider)},
	})
	return true
}

// plan finds or creates the plan with a domain's servers.
func (m *automx2Import) plan(d automx2Domain, domain string) (name, why string) {
	name = planName(m.tables.serversOf[d.id], m.tables.davOf[d.id])
	if m.inHosts(d) {
		name += "-domain-" + strconv.FormatInt(d.id, 10)
	}
	if m.plans[name] {
		return name, ""
	}
	var offer policy.Offer
	first := map[settings.Protocol]int64{}
	for _, s := range m.bestFirst(m.tables.serversOf[d.id]) {
		p, server, ok := m.server(s, domain)
		if !ok {
			continue
		}
		if _, has := first[p]; !has {
			first[p] = s.prio
		}
		list := map[settings.Protocol]*policy.ServerList{
			settings.IMAP: &offer.Servers.IMAP,
			settings.POP3: &offer.Servers.POP3, settings.SMTP: &offer.Servers.SMTP,
		}[p]
		*list = append(*list, server)
	}
	switch {
	case len(m.tables.serversOf[d.id]) == 0:
		return "", "automx2 has no servers for it"
	case offer.Servers.IMAP == nil && offer.Servers.POP3 == nil:
		return "", "it has neither an imap nor a pop server that can be imported"
	case offer.Servers.SMTP == nil:
		return "", "it has no smtp server that can be imported, and programs refuse a configuration that can't send"
	}
	if imap, has := first[settings.IMAP]; has {
		if pop, both := first[settings.POP3]; both && pop < imap {
			offer.Policy.Default = settings.POP3
		}
	}
	shareUsername(&offer)
	m.services(d, domain, &offer)
	m.site.Plans = append(m.site.Plans, policy.Plan{Name: name, Offer: offer})
	m.plans[name] = true
	return name, ""
}

// maxPlanName bounds a plan's name, which is a key in a database.
const maxPlanName = 200

// planName derives a plan's name from its servers, so that plans keep their names when other
// domains have come or gone at the next import.
func planName(servers, dav []int64) string {
	ids := func(list []int64) (text string) {
		for _, id := range list {
			text += "-" + strconv.FormatInt(id, 10)
		}
		return text
	}
	name := "automx2" + ids(servers)
	if len(dav) > 0 {
		name += "-dav" + ids(dav)
	}
	if len(name) > maxPlanName {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxPlanName/2] + "-" + hex.EncodeToString(sum[:])
	}
	return name
}

// domainPlaceholder stands for the domain of the address. In a host name, Thunderbird replaces
// it, and automx2 does for Apple's profiles.
const domainPlaceholder = "%EMAILDOMAIN%"

// inHosts reports whether a host name of the domain's servers contains the domain, so that its
// plan can't be shared.
func (m *automx2Import) inHosts(d automx2Domain) bool {
	return slices.ContainsFunc(m.tables.serversOf[d.id], func(
		id int64,
	) bool {
		return strings.Contains(m.servers[id].host, domainPlaceholder)
	}) ||
		slices.ContainsFunc(m.tables.davOf[d.id], func(id int64) bool {
			return m.dav[id].url != withDomain(m.dav[id].url, "x")
		})
}

// withDomain inserts the domain into the host of a URL, but not into its path.
func withDomain(url, domain string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, has := strings.Cut(rest, "/")
	if !strings.Contains(host, domainPlaceholder) {
		return url
	}
	url = scheme + "://" + strings.ReplaceAll(host, domainPlaceholder, domain)
	if has {
		url += "/" + path
	}
	return url
}

func (m *automx2Import) bestFirst(ids []int64) []automx2Server {
	list := make([]automx2Server, len(ids))
	for i, id := range ids {
		list[i] = m.servers[id]
	}
	slices.SortStableFunc(list, func(a, b automx2Server) int { return cmp.Compare(a.prio, b.prio) })
	return list
}

// shareUsername moves a login pattern that all servers have to the plan, so that it holds for
// calendars and contacts too.
func shareUsername(o *policy.Offer) {
	lists := []policy.ServerList{o.Servers.IMAP, o.Servers.POP3, o.Servers.SMTP}
	all := slices.Concat(lists...)
	if len(all) == 0 {
		return
	}
	for _, s := range all {
		if s.Username != all[0].Username {
			return
		}
	}
	o.Username = all[0].Username
	for _, list := range lists {
		for i := range list {
			list[i].Username = ""
		}
	}
}

func (m *automx2Import) server(s automx2Server, domain string) (settings.Protocol, settings.Server, bool) {
	element := fmt.Sprintf("server %d %s %s:%d", s.id, s.kind, s.host, s.port)
	protocol, known := map[string]settings.Protocol{
		"imap": settings.IMAP, "pop": settings.POP3,
		"smtp": settings.SMTP,
	}[s.kind]
	if !known {
		m.skip(element, "%q is no type of a server; automx2 answers with an error for its domains", s.kind)
		return "", settings.Server{}, false
	}
	server := settings.Server{Host: strings.ReplaceAll(s.host, domainPlaceholder, domain), Port: s.port}
	switch s.socket {
	case "SSL":
		server.Security = settings.TLS
	case "STARTTLS":
		server.Security = settings.STARTTLS
	default:
		m.skip(element, "its socket_type %q means that passwords go in the clear; if the server has no TLS, add it with "+
			"security: none and allow_plaintext: true", s.socket)
		return "", settings.Server{}, false
	}
	auth, known := auths[s.authName]
	if !known {
		m.skip(element, "its authentication %q is none that programs know", s.authName)
		return "", settings.Server{}, false
	}
	server.Auth = []settings.Auth{auth}
	var err error
	if server.Username, err = usernamePattern(s.username); err != nil {
		m.skip(element, "%v", err)
		return "", settings.Server{}, false
	}
	server = server.Normalize(protocol)
	if problems := server.Check(protocol, "").Errors(); len(problems) > 0 {
		m.skip(element, "%s", problems[0].Text)
		return "", settings.Server{}, false
	}
	return protocol, server, true
}

func (m *automx2Import) services(d automx2Domain, domain string, o *policy.Offer) {
	for _, id := range m.tables.davOf[d.id] {
		dav := m.dav[id]
		element := fmt.Sprintf("davserver %d %s %s", dav.id, dav.kind, dav.url)
		to, known := map[string]*string{
			"caldav": &o.Services.CalDAV, "carddav": &o.Services.CardDAV,
		}[dav.kind]
		if !known {
			m.skip(element, "%q is no type of a DAV server", dav.kind)
			continue
		}
		dav.url = withDomain(dav.url, domain)
		address, why := m.davURL(element, dav)
		switch {
		case why != "":
			m.skip(element, "%s", why)
		case *to != "":
			m.skip(element, "%s has one already, and programs take one", d.name)
		default:
			*to = address
			if pattern, err := usernamePattern(dav.username); dav.username != "" && (err != nil || pattern != o.Username) {
				m.skip(element, "its user_name %s is left out: the login is that of the mail servers", dav.username)
			}
		}
	}
}

// davURL returns the URL without the part that is about one person, which programs discover
// (RFC 6764, section 6).
func (m *automx2Import) davURL(element string, dav automx2DAV) (address, why string) {
	text, person, cut := strings.Cut(dav.url, "%EMAIL")
	if cut {
		text = text[:strings.LastIndexByte(text, '/')+1]
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", "it is not a URL"
	}
	if u.Scheme != "https" {
		return "", "it is not https, and programs send passwords to it"
	}
	if dav.port > 0 && u.Port() == "" && dav.port != 443 {
		u.Host = u.Hostname() + ":" + strconv.Itoa(dav.port)
	}
	if problems := (settings.Services{CalDAV: u.String()}).Check(""); len(problems) > 0 {
		return "", problems[0].Text
	}
	if cut {
		m.skip(element, "imported as %s without %%EMAIL%s: programs find a person's own calendars and contacts below it", u,
			person)
	}
	return u.String(), ""
}
