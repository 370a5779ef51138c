package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
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
	"autoconfig/clients"
	"autoconfig/internal/doctor/probe"
	"autoconfig/thunderbird"
)

// localPart makes an address that nobody has, so that the domain's default must be
// answered.
const localPart = "autoconfig-check"

// answerOf is a request, and how its answer is judged.
type answerOf struct {
	request probe.Request
	// judge reports what is wrong with the answer, and returns what programs make of it,
	// or nil.
	judge func(probe.Page, error) *place
	got   *place
}

// web requests every URL that programs request, as they do it.
func (c *check) web(ctx context.Context) {
	address := localPart + "@" + c.domain
	query := "?emailaddress=" + url.QueryEscape(address)
	get := func(scheme, host, path string, judge func(probe.Page, error) *place) *answerOf {
		return &answerOf{request: probe.Get(scheme + host + path + query), judge: judge}
	}
	post := func(host string, judge func(probe.Page, error) *place) *answerOf {
		return &answerOf{
			request: probe.PostXML("https://"+host+autodiscover.Path, autodiscover.RequestFor(address)),
			judge:   judge,
		}
	}
	autoconfigHost := thunderbird.HostLabel + "." + c.domain
	autodiscoverHost := autodiscover.HostLabel + "." + c.domain
	forJSON := "https://" + autodiscoverHost + autodiscover.PathJSON +
		"?Email=" + url.QueryEscape(address) + "&Protocol=AutodiscoverV1"
	all := []*answerOf{
		get("https://", autoconfigHost, thunderbird.Path, c.atHost(ctx, autoconfigPlace, c.readConfig)),
		get("https://", c.domain, thunderbird.PathWellKnown, c.atApex(AutoconfigApex, autoconfigPlace, c.readConfig)),
		get("http://", autoconfigHost, thunderbird.Path, c.plain),
		get("http://", c.domain, thunderbird.PathWellKnown, c.plain),
		post(autodiscoverHost, c.atHost(ctx, autodiscoverPlace, c.readPOX(ctx))),
		post(c.domain, c.atApex(AutodiscoverApex, autodiscoverPlace, c.readPOX(ctx))),
		{request: probe.Get(forJSON), judge: c.autodiscoverJSON},
	}
	c.askWithoutAddress(ctx)
	parallel(all, func(a *answerOf) {
		p, err := c.Fetch(ctx, a.request)
		if errors.Is(err, probe.ErrInconclusive) {
			c.mu.Lock()
			c.unclear = true
			c.mu.Unlock()
		}
		if !c.redirected(p, err) {
			a.got = a.judge(p, err)
		}
	})
	var got []*place
	for _, a := range all {
		if a.got != nil {
			got = append(got, a.got)
		}
	}
	got = append(got, c.judgeAnonymous(got)...)
	c.agree(got)
	if c.plan == nil && !slices.ContainsFunc(got, func(pl *place) bool { return pl.document }) {
		c.nothing(ctx, thunderbird.Path+query)
	}
}

// unreachable reports a URL that must answer and doesn't.
func (c *check) unreachable(ctx context.Context, url string, err error) {
	switch {
	case errors.Is(err, probe.ErrForbidden):
		c.report(Finding{Code: HTTPUnreachable, Severity: Info, Subject: url, Seen: err.Error(), Remedy: notPermitted})
	case c.wants(PartDNS) && (errors.Is(err, probe.ErrNoHost) || errors.Is(err, probe.ErrInconclusive)):
		// reported by the DNS part
	case errors.Is(err, probe.ErrInconclusive):
		c.inconclusive(hostOf(url), err)
	case errors.Is(err, probe.ErrNoHost):
		c.report(Finding{Code: HTTPUnreachable, Subject: url, Seen: err.Error(), Records: c.hostRecords(hostOf(url))})
	default:
		f := Finding{Code: HTTPUnreachable, Subject: url, Seen: err.Error()}
		if c.leadsByHTTP(ctx, url) != "" {
			f = c.withoutCertificate(f, err)
		}
		c.report(f)
	}
}

// withoutCertificate judges a name whose plain http leads to this service. A domain may do
// without certificates; a wrong one is worse than none, as Outlook asks the person about it.
func (c *check) withoutCertificate(f Finding, err error) Finding {
	f.Seen += "; plain http leads to https://" + c.plan.Host
	var wrong *tls.CertificateVerificationError
	if errors.As(err, &wrong) {
		f.Severity = Warning
		f.Remedy = "Get a certificate for this name. If the domain does without (autoconfig dns " + c.domain +
			" --variant redirect), show none here rather than a wrong one: Outlook asks the person about it."
		return f
	}
	f.Severity = Info
	f.Remedy = "Nothing, if the domain does without certificates (autoconfig dns " + c.domain +
		" --variant redirect): programs that ask by https alone find nothing there. Otherwise get one for this name."
	return f
}

// leadsByHTTP returns where plain http redirects to if that is this service's own name,
// which has a certificate (the setup of domains without certificates), and "" otherwise.
func (c *check) leadsByHTTP(ctx context.Context, asked string) (at string) {
	path, ok := strings.CutPrefix(asked, "https://")
	if !ok || c.plan == nil {
		return ""
	}
	p, err := c.Fetch(ctx, probe.Get("http://"+path))
	if err != nil || !strings.HasPrefix(p.At(), "https://"+c.plan.Host+"/") {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byHTTP = true
	return p.At()
}

// outlookByHTTP is what Outlook makes of a domain whose Autodiscover name has no
// certificate: it asks that name by GET over plain http, and posts to where that leads
// (docs/clients.md, "Outlook").
func (c *check) outlookByHTTP(ctx context.Context, p probe.Page) *place {
	at := c.leadsByHTTP(ctx, p.Asked)
	if at == "" {
		return nil
	}
	pl := c.followPOX(ctx, p, at, 1)
	if pl != nil {
		pl.readings = slices.DeleteFunc(pl.readings, func(r programReading) bool { return r.program != "outlook" })
	}
	return pl
}

// atHost judges the answer at a special name, which for a domain of ours must be a
// document.
func (c *check) atHost(
	ctx context.Context, kind placeKind, read func(probe.Page) *place,
) func(probe.Page, error) *place {
	return func(p probe.Page, err error) *place {
		switch {
		case c.plan == nil && err != nil:
		case err != nil:
			c.unreachable(ctx, p.Asked, err)
			if kind == autodiscoverPlace {
				return c.outlookByHTTP(ctx, p)
			}
		case p.Status != http.StatusOK:
			if c.plan != nil {
				c.report(Finding{
					Code: HTTPStatus, Subject: p.Asked,
					Seen: fmt.Sprintf("status %d at %s", p.Status, p.At()), Expected: "status 200",
				})
			}
			if kind.means(p.Body) { // some programs ignore the status
				return read(p)
			}
			return c.noDocument(kind, p) // which ends the search of Delta Chat, where it has no tag
		case !reads(p) && !kind.means(p.Body):
			c.wrongType(p)
			return c.noDocument(kind, p)
		default:
			c.wrongType(p)
			return read(p)
		}
		return nil
	}
}

// noDocument is a page that isn't meant as a document, but ends some programs' search.
func (c *check) noDocument(kind placeKind, p probe.Page) *place {
	pl := c.readByAll(kind, p)
	pl.document = false
	return pl
}

// wrongType reports a media type that Thunderbird refuses; other programs ignore it.
func (c *check) wrongType(p probe.Page) {
	if !reads(p) {
		c.report(Finding{
			Code:     ContentType,
			Subject:  p.Asked,
			Seen:     p.MediaType() + " (no account in Thunderbird)",
			Expected: "text/xml; charset=utf-8",
		})
	}
}

// atApex judges the answer of the domain's own host, often a web site: it must not
// answer 200 with anything but a document.
func (c *check) atApex(code Code, kind placeKind, read func(probe.Page) *place) func(probe.Page, error) *place {
	return func(p probe.Page, err error) *place {
		switch {
		case err != nil || p.Status != http.StatusOK && !kind.means(p.Body):
			return nil
		case !kind.means(p.Body):
			c.report(Finding{
				Code:     code,
				Subject:  p.Asked,
				Seen:     "status 200, " + p.MediaType(),
				Expected: "status 404",
			})
			return nil
		}
		c.wrongType(p)
		return read(p)
	}
}

// plain judges an answer by plain http, which must redirect to https or fail.
func (c *check) plain(p probe.Page, err error) *place {
	if err == nil && p.Status == http.StatusOK && !strings.HasPrefix(p.At(), "https:") && isConfig(p.Body) {
		c.report(Finding{
			Code: HTTPPlain, Subject: p.Asked,
			Seen: "a configuration over plain http", Expected: "a redirect to https",
		})
	}
	if err != nil || p.Status != http.StatusOK || !strings.HasPrefix(p.At(), "https:") || !isConfig(p.Body) {
		return nil
	}
	// Programs that have found nothing by https read it.
	pl := c.readByAll(autoconfigPlace, p)
	pl.readings = slices.DeleteFunc(pl.readings, func(r programReading) bool { return !asksPlain(r.program) })
	return pl
}

// asksPlain reports whether a program asks autoconfig.D over plain http after https has
// failed, and follows its redirects. FairEmail asks, but Android's HttpURLConnection follows
// no redirect from http to https.
func asksPlain(program string) bool {
	return program != "fairemail" && slices.ContainsFunc(clients.All(), func(c clients.Client) bool {
		return c.Simulation == program && slices.Contains(c.Lookup.Places, clients.AutoconfigHTTP)
	})
}

func (c *check) autodiscoverJSON(p probe.Page, err error) *place {
	if c.plan == nil || err != nil {
		return nil // the POX request judges the same host
	}
	var answer struct{ Protocol, URL string }
	expected := "https://" + c.plan.Host + autodiscover.Path
	if json.Unmarshal(p.Body, &answer) != nil || p.Status != http.StatusOK || !strings.EqualFold(answer.URL, expected) {
		c.report(Finding{
			Code: HTTPNotOurs, Subject: p.Asked,
			Seen: fmt.Sprintf("status %d, %q", p.Status, cmp.Or(answer.URL, "no URL")), Expected: expected,
		})
	}
	return nil
}

// nothing checks what programs do for a domain that publishes nothing: they ask the MX's
// provider.
func (c *check) nothing(ctx context.Context, path string) {
	answer, err := c.Resolver.Ask(ctx, c.domain, dns.TypeMX)
	if err != nil {
		return // reported by the DNS part
	}
	host := answer.BestMX()
	if host == "" {
		c.report(Finding{Code: NothingPublished, Subject: c.domain, Seen: "neither a configuration nor an MX"})
		return
	}
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	if suffix, _ := publicsuffix.PublicSuffix(host); err != nil || base == host && suffix != "" {
		c.report(Finding{
			Code:    MXPublicSuffix,
			Subject: c.domain,
			Seen:    host,
			Records: c.autoconfigAt("<the host that serves it>"),
		})
	}
	if err != nil {
		return
	}
	where := "https://" + thunderbird.HostLabel + "." + base
	p, err := c.Fetch(ctx, probe.Get(where+path))
	if err == nil && p.Status == http.StatusOK && reads(p) && base != c.domain {
		c.report(Finding{
			Code:    MXIndirect,
			Subject: c.domain,
			Seen:    where,
			Records: c.autoconfigAt(thunderbird.HostLabel + "." + base + "."),
		})
		return
	}
	c.report(Finding{Code: NothingPublished, Subject: c.domain, Seen: "no configuration, here or at " + base})
}

// autoconfigAt are the records that point the domain's special name at a host.
func (c *check) autoconfigAt(host string) []Record {
	return []Record{{Name: thunderbird.HostLabel + "." + dns.Fqdn(c.domain), Type: "CNAME", TTL: recordTTL, Data: host}}
}
