package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"autoconfig/autodiscover"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// probe is the local part of the address for which configurations are asked: one
// that nobody has, so that the domain's default must come.
const probe = "autoconfig-check"

// offered is a configuration that some URL gives: what a program makes of it.
type offered struct {
	url      string
	protocol settings.Protocol
	incoming string // host:port
	outgoing string
}

func (o offered) String() string {
	return strings.ToUpper(string(o.protocol)) + " " + o.incoming + ", SMTP " + o.outgoing
}

// web asks every URL that programs ask, in their own way.
func (x *examination) web(ctx context.Context) {
	address := probe + "@" + x.domain
	query := "?emailaddress=" + url.QueryEscape(address)
	const config, wellKnown, pox = "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", "/autodiscover/autodiscover.xml"
	post := func(at string) request {
		return request{http.MethodPost, at, poxRequest(address), map[string]string{"Content-Type": "text/xml; charset=utf-8"}}
	}
	type asked struct {
		request
		judge func(request, page, error) *offered
		got   *offered
	}
	all := []*asked{
		{request: request{method: http.MethodGet, url: "https://autoconfig." + x.domain + config + query}, judge: x.autoconfigHost},
		{request: request{method: http.MethodGet, url: "https://" + x.domain + wellKnown + query}, judge: x.autoconfigApex},
		{request: request{method: http.MethodGet, url: "http://autoconfig." + x.domain + config + query}, judge: x.plain},
		{request: request{method: http.MethodGet, url: "http://" + x.domain + wellKnown + query}, judge: x.plain},
		{request: post("https://autodiscover." + x.domain + pox), judge: x.autodiscoverHost},
		{request: post("https://" + x.domain + pox), judge: x.autodiscoverApex},
		{request: request{method: http.MethodGet, url: "https://autodiscover." + x.domain + "/autodiscover/autodiscover.json?Email=" + url.QueryEscape(address) + "&Protocol=AutodiscoverV1"}, judge: x.autodiscoverJSON},
	}
	each(all, func(a *asked) {
		p, err := x.fetch(ctx, a.request)
		if err == nil && p.downgraded() {
			x.found(Finding{Code: HTTPDowngrade, Subject: a.url, Seen: strings.Join(p.hops, " > ")})
		}
		a.got = a.judge(a.request, p, err)
	})
	var got []offered
	for _, a := range all {
		if a.got != nil {
			got = append(got, *a.got)
		}
	}
	x.agree(got)
	if len(got) == 0 && x.plan == nil {
		x.nothing(ctx, config+query)
	}
}

func poxRequest(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>` + address +
		`</EMailAddress><AcceptableResponseSchema>` + autodiscover.OutlookSchema + `</AcceptableResponseSchema></Request></Autodiscover>`
}

// unreachable reports a URL that must answer and doesn't.
func (x *examination) unreachable(r request, err error) {
	switch {
	case errors.Is(err, ErrForbidden):
		x.found(Finding{Code: HTTPUnreachable, Severity: Info, Subject: r.url, Seen: err.Error(), Remedy: "Not checked. Permit its network, if it is yours: --allow-network."})
	case errors.Is(err, errNoHost) && x.wants(PartDNS), errors.Is(err, ErrInconclusive):
		// said by the other part
	default:
		x.found(Finding{Code: HTTPUnreachable, Subject: r.url, Seen: err.Error()})
	}
}

// autoconfigHost must answer, for a domain that is ours.
func (x *examination) autoconfigHost(r request, p page, err error) *offered {
	switch {
	case x.plan == nil && (err != nil || p.status != http.StatusOK):
		return nil
	case err != nil:
		x.unreachable(r, err)
		return nil
	case p.status != http.StatusOK:
		x.found(Finding{Code: HTTPStatus, Subject: r.url, Seen: fmt.Sprintf("status %d at %s", p.status, p.at()), Expected: "status 200"})
		return nil
	case !p.isXML():
		x.found(Finding{Code: ContentType, Subject: r.url, Seen: cmp.Or(p.header.Get("Content-Type"), "no media type"), Expected: "text/xml; charset=utf-8"})
		return nil
	}
	return x.readConfig(r, p)
}

// autoconfigApex is often a web site: anything but a document must not be a 200.
func (x *examination) autoconfigApex(r request, p page, err error) *offered {
	if err != nil || p.status != http.StatusOK {
		return nil
	}
	if _, err := thunderbird.Parse(p.body); err != nil || !p.isXML() {
		x.found(Finding{Code: AutoconfigApex, Subject: r.url, Seen: fmt.Sprintf("status 200, %s", cmp.Or(p.header.Get("Content-Type"), "no media type")), Expected: "status 404"})
		return nil
	}
	return x.readConfig(r, p)
}

// plain http must lead to https, or not answer.
func (x *examination) plain(r request, p page, err error) *offered {
	if err != nil || p.status != http.StatusOK || strings.HasPrefix(p.at(), "https:") {
		return nil
	}
	if _, err := thunderbird.Parse(p.body); err == nil {
		x.found(Finding{Code: HTTPPlain, Subject: r.url, Seen: "a configuration over plain http", Expected: "a redirect to https"})
	}
	return nil
}

func (x *examination) readConfig(r request, p page) *offered {
	c, err := thunderbird.Parse(p.body)
	if err != nil {
		x.found(Finding{Code: ConfigUnreadable, Subject: r.url, Seen: err.Error()})
		return nil
	}
	x.judgeConfig(r, c)
	if len(c.Incoming) == 0 || len(c.Outgoing) == 0 {
		x.found(Finding{Code: ConfigUnreadable, Subject: r.url, Seen: fmt.Sprintf("%d incoming and %d outgoing servers", len(c.Incoming), len(c.Outgoing)), Expected: "one of each"})
		return nil
	}
	in, out := c.Incoming[0], c.Outgoing[0]
	return &offered{r.url, settings.Protocol(in.Type), in.Hostname + ":" + in.Port, out.Hostname + ":" + out.Port}
}

var socketTypes = []string{"SSL", "STARTTLS", "plain"}

// judgeConfig looks for what measurements of the wild found.
func (x *examination) judgeConfig(r request, c *thunderbird.Config) {
	secure := false
	for _, s := range append(slices.Clone(c.Incoming), c.Outgoing...) {
		if s.Hostname == "" {
			continue // a service with a URL
		}
		for _, kind := range s.SocketTypes {
			secure = secure || kind == "SSL" || kind == "STARTTLS"
			if !slices.Contains(socketTypes, kind) {
				x.found(Finding{Code: ConfigValue, Subject: r.url, Seen: "socketType " + kind, Expected: strings.Join(socketTypes, ", ")})
			}
		}
		for _, value := range []string{s.Hostname, s.Port, s.Username} {
			if template(value) {
				x.found(Finding{Code: ConfigValue, Subject: r.url, Seen: value, Expected: "a value, or %EMAILADDRESS%"})
			}
		}
	}
	if !secure {
		x.found(Finding{Code: ConfigPlaintext, Subject: r.url, Seen: "no server with SSL or STARTTLS"})
	}
	for i, s := range c.Incoming {
		better := slices.ContainsFunc(c.Incoming[i+1:], func(o thunderbird.Server) bool { return o.Type == s.Type && slices.Contains(o.SocketTypes, "SSL") })
		if better && !slices.Contains(s.SocketTypes, "SSL") {
			x.found(Finding{Code: ConfigOrder, Subject: r.url, Seen: fmt.Sprintf("%s:%s with %s before one with SSL", s.Hostname, s.Port, strings.Join(s.SocketTypes, ", "))})
		}
	}
}

// template tells whether a value is one that somebody forgot to fill in.
func template(value string) bool {
	for _, sign := range []string{"{{", "}}", "${", "<?", "%(", "$DOMAIN", "@@"} {
		if strings.Contains(value, sign) {
			return true
		}
	}
	return false
}

func (x *examination) autodiscoverHost(r request, p page, err error) *offered {
	switch {
	case x.plan == nil && (err != nil || p.status != http.StatusOK):
		return nil
	case err != nil:
		x.unreachable(r, err)
		return nil
	case p.status != http.StatusOK:
		x.found(Finding{Code: HTTPStatus, Subject: r.url, Seen: fmt.Sprintf("status %d at %s", p.status, p.at()), Expected: "status 200"})
		return nil
	case !p.isXML():
		x.found(Finding{Code: ContentType, Subject: r.url, Seen: cmp.Or(p.header.Get("Content-Type"), "no media type"), Expected: "text/xml; charset=utf-8"})
		return nil
	}
	return x.readPOX(r, p)
}

func (x *examination) autodiscoverApex(r request, p page, err error) *offered {
	if err != nil || p.status != http.StatusOK {
		return nil
	}
	if _, err := autodiscover.ParseResponse(p.body); err != nil || !p.isXML() {
		x.found(Finding{Code: AutodiscoverApex, Subject: r.url, Seen: fmt.Sprintf("status 200, %s", cmp.Or(p.header.Get("Content-Type"), "no media type")), Expected: "status 404"})
		return nil
	}
	return x.readPOX(r, p)
}

func (x *examination) readPOX(r request, p page) *offered {
	reply, err := autodiscover.ParseResponse(p.body)
	if err != nil {
		x.found(Finding{Code: ConfigUnreadable, Subject: r.url, Seen: err.Error()})
		return nil
	}
	if reply.Error != nil {
		if x.plan != nil {
			x.found(Finding{Code: HTTPStatus, Subject: r.url, Seen: "Autodiscover error " + reply.Error.Code.String(), Expected: "settings"})
		}
		return nil
	}
	o := offered{url: r.url}
	for _, protocol := range reply.Protocols {
		x.judgeProtocol(r, protocol)
		at := protocol.Server + ":" + protocol.Port
		switch kind := settings.Protocol(strings.ToLower(protocol.Type)); {
		case kind == settings.SMTP && o.outgoing == "":
			o.outgoing = at
		case (kind == settings.IMAP || kind == settings.POP3) && o.incoming == "":
			o.protocol, o.incoming = kind, at
		}
	}
	if o.incoming == "" {
		return nil // Exchange, or a redirect
	}
	return &o
}

func (x *examination) judgeProtocol(r request, p autodiscover.Protocol) {
	if !slices.Contains([]string{"IMAP", "POP3", "SMTP"}, p.Type) {
		return
	}
	ssl, encryption := strings.ToLower(p.SSL), strings.ToLower(p.Encryption)
	at := p.Type + " " + p.Server + ":" + p.Port
	if !slices.Contains([]string{"", "on", "off"}, ssl) {
		x.found(Finding{Code: ConfigValue, Subject: r.url, Seen: at + ", SSL " + p.SSL, Expected: "on"})
	}
	if !slices.Contains([]string{"", "none", "ssl", "tls", "auto"}, encryption) {
		x.found(Finding{Code: ConfigValue, Subject: r.url, Seen: at + ", Encryption " + p.Encryption, Expected: "SSL or TLS"})
	}
	if ssl == "off" && encryption != "" && encryption != "none" {
		x.found(Finding{Code: ConfigEncryption, Subject: r.url, Seen: at + ", SSL off with Encryption " + p.Encryption, Expected: "SSL on"})
	}
	if ssl == "off" && (encryption == "" || encryption == "none") {
		x.found(Finding{Code: ConfigPlaintext, Subject: r.url, Seen: at + ", SSL off"})
	}
	for _, value := range []string{p.Server, p.LoginName} {
		if template(value) {
			x.found(Finding{Code: ConfigValue, Subject: r.url, Seen: value, Expected: "a value"})
		}
	}
}

func (x *examination) autodiscoverJSON(r request, p page, err error) *offered {
	if x.plan == nil || err != nil {
		return nil // the same host is judged by its POX
	}
	var answer struct{ Protocol, URL string }
	expected := "https://" + x.plan.Host + "/autodiscover/autodiscover.xml"
	if json.Unmarshal(p.body, &answer) != nil || p.status != http.StatusOK || !strings.EqualFold(answer.URL, expected) {
		x.found(Finding{Code: HTTPNotOurs, Subject: r.url, Seen: fmt.Sprintf("status %d, %q", p.status, cmp.Or(answer.URL, "no URL")), Expected: expected})
	}
	return nil
}

// agree compares all that was offered: with the policy, or with one another.
func (x *examination) agree(got []offered) {
	if len(got) == 0 {
		return
	}
	want := got[0]
	if x.plan != nil {
		address, err := settings.ParseAddress(probe + "@" + x.domain)
		if err != nil {
			return // a domain of ours can be written in an address
		}
		s := x.plan.Terms.PublicSettings(address, x.plan.Terms.Unknown(address))
		at := func(s settings.Server) string { return fmt.Sprintf("%s:%d", s.Host, s.Port) }
		want = offered{"the policy", s.Decision.Protocol, at(s.Incoming), at(s.Outgoing)}
	}
	for _, o := range got {
		if o.String() != want.String() {
			x.found(Finding{Code: ConfigDisagrees, Subject: o.url, Seen: o.String(), Expected: want.String() + " (" + want.url + ")"})
		}
	}
}

// nothing looks at what programs do for a domain that publishes nothing: they ask
// the MX's provider.
func (x *examination) nothing(ctx context.Context, path string) {
	answer, err := x.Resolver.Ask(ctx, x.domain, dns.TypeMX)
	if err != nil || len(answer.Records) == 0 {
		if err == nil {
			x.found(Finding{Code: NothingPublished, Subject: x.domain, Seen: "neither a configuration nor an MX"})
		}
		return
	}
	best := answer.Records[0].(*dns.MX)
	for _, rr := range answer.Records {
		if mx := rr.(*dns.MX); mx.Preference < best.Preference {
			best = mx
		}
	}
	host := strings.ToLower(strings.TrimSuffix(best.Mx, "."))
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	if suffix, _ := publicsuffix.PublicSuffix(host); err != nil || base == host && suffix != "" {
		x.found(Finding{Code: MXPublicSuffix, Subject: x.domain, Seen: host})
	}
	if err != nil {
		return
	}
	p, err := x.fetch(ctx, request{method: http.MethodGet, url: "https://autoconfig." + base + path})
	if err == nil && p.status == http.StatusOK && p.isXML() && base != x.domain {
		x.found(Finding{Code: MXIndirect, Subject: x.domain, Seen: "https://autoconfig." + base})
		return
	}
	x.found(Finding{Code: NothingPublished, Subject: x.domain, Seen: "no configuration, here or at " + base})
}
