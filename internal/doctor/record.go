package doctor

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/pacc"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// recordTTL is the TTL of records to publish, in seconds.
const recordTTL = 3600

// Record is a DNS record in presentation form. Names are absolute.
type Record struct {
	Name string `json:"name"`
	Type string `json:"type"`
	TTL  uint32 `json:"ttl"`
	Data string `json:"data"`
	// Why tells people what the record is for.
	Why string `json:"why,omitempty"`
}

// String returns the record as a line of a zone file.
func (r Record) String() string {
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s", r.Name, r.TTL, r.Type, r.Data)
}

// rr converts the record to the library's type.
func (r Record) rr() (dns.RR, error) { return dns.NewRR(r.String()) }

// Plan is what a domain should publish.
type Plan struct {
	Domain string
	// Host is this service's name, at which the domain's special names point.
	Host string
	// Addresses are this service's addresses, if known.
	Addresses []netip.Addr
	// Misled is the number of accounts with another protocol than the default.
	Misled int
	// Serverless is the number of accounts with a protocol that has no server.
	Serverless int
	// Documents are the PACC documents whose digests are to be published: the served
	// one, and one that waits for its digest.
	Documents [][]byte
	Terms     *policy.Terms
	// Given are the protocols that somebody in the domain may have
	// ([policy.Terms.Given]).
	Given []settings.Protocol
	// Plain says that the domain's special names have no certificates.
	Plain bool
	// Orders are the certificates for the domain's special names that the service
	// couldn't get at its last try.
	Orders []FailedOrder
}

// FailedOrder is a certificate that could not be issued or renewed.
type FailedOrder struct {
	Name   string
	Code   Code // one of those that begin with CERT-
	Reason string
	Next   time.Time // the next try
	// Served is set if there is an older certificate that is still valid.
	Served bool
}

// notOffered is the SRV record of a service that isn't offered (RFC 2782; RFC 6186,
// section 3.4), so that programs don't try it.
const notOffered = "0 0 0 ."

// Records are all records to publish, in the order of presentation: special names, mail,
// other services.
//
// SRV records don't depend on the account. The default protocol gets the lowest
// priorities, which decide between IMAP and POP3 (RFC 6186, section 3.4); the other one
// follows if somebody has it, and is "0 0 0 ." otherwise.
func (p Plan) Records() []Record {
	records := p.hosts()
	records = append(records, p.incoming()...)
	records = append(records, p.submission()...)
	return append(records, p.services()...)
}

// WithoutCertificates is the plan of a domain whose special names have no certificates:
// plain http redirects to this service's own name. PACC requires https
// (draft-ietf-mailmaint-pacc), so it has none.
func (p Plan) WithoutCertificates() Plan {
	p.Plain = true
	p.Documents = nil
	return p
}

func (p Plan) hosts() []Record {
	var records []Record
	names := []struct{ label, why string }{
		{thunderbird.HostLabel, "Thunderbird, Evolution, KMail and others ask here"},
		{autodiscover.HostLabel, "Outlook asks here, and Thunderbird when it finds no autoconfig"},
		{pacc.HostLabel, "serves the PACC document"},
	}
	if p.Plain {
		names[0].why = "Thunderbird, KMail and others ask here by plain http after https"
		names[1].why = "Outlook asks here by plain http after https, and is led to https://" + p.Host
	}
	for _, h := range names {
		name := h.label + "." + p.Domain
		if h.label == pacc.HostLabel && len(p.Documents) == 0 || name == p.Host {
			continue // only the operator knows the addresses of the service's own name
		}
		kind, data := "CNAME", dns.Fqdn(p.Host)
		if ip, err := netip.ParseAddr(p.Host); err == nil { // a service without a name, as the demo
			kind, data = addressType(ip), ip.String()
		}
		records = append(records, p.record(h.label, kind, data, h.why))
	}
	if _, err := netip.ParseAddr(p.Host); err != nil {
		why := "leads Outlook here where " + autodiscover.HostLabel + "." + p.Domain + " can't have a certificate"
		records = append(records, p.srv(autodiscover.SRVLabel, 0, 443, p.Host, why))
	}
	for _, document := range p.Documents {
		digest := quote(pacc.DigestOf(document).TXT())
		records = append(records, p.record(pacc.Label, "TXT", digest, "proves the PACC document"))
	}
	return records
}

func addressType(ip netip.Addr) string {
	if ip.Is4() {
		return "A"
	}
	return "AAAA"
}

// mailService is a protocol's two service names.
type mailService struct{ tls, starttls string }

var mailServices = map[settings.Protocol]mailService{
	settings.IMAP: {"_imaps._tcp", "_imap._tcp"},
	settings.POP3: {"_pop3s._tcp", "_pop3._tcp"},
	settings.SMTP: {"_submissions._tcp", "_submission._tcp"},
}

func (p Plan) incoming() []Record {
	first := p.Terms.DefaultProtocol()
	second := settings.POP3
	if first == settings.POP3 {
		second = settings.IMAP
	}
	records, next := p.mail(first, 0, "the domain's default")
	var others []Record
	if slices.Contains(p.Given, second) {
		others, _ = p.mail(second, next, "some accounts have it; the higher number makes programs prefer the default")
	} else {
		names := mailServices[second]
		why := strings.ToUpper(string(second)) + " is given to nobody"
		others = []Record{p.record(names.tls, "SRV", notOffered, why), p.record(names.starttls, "SRV", notOffered, why)}
	}
	return append(records, others...)
}

func (p Plan) submission() []Record {
	records, _ := p.mail(settings.SMTP, 0, "sends mail")
	return records
}

// mail are the records of a protocol, with priorities from the given one: implicit TLS
// before STARTTLS, each in the order of the list. Servers without TLS are never published.
func (p Plan) mail(protocol settings.Protocol, priority int, why string) (records []Record, next int) {
	names := mailServices[protocol]
	for _, kind := range []struct {
		security settings.Security
		name     string
	}{{settings.TLS, names.tls}, {settings.STARTTLS, names.starttls}} {
		found := false
		for _, server := range p.Terms.Servers.Of(protocol) {
			if server.Security == kind.security {
				records = append(records, p.srv(kind.name, priority, server.Port, server.Host, why))
				found = true
				priority += 10
			}
		}
		if !found {
			records = append(records, p.record(kind.name, "SRV", notOffered, "there is no server for it"))
		}
	}
	return records, priority
}

func (p Plan) services() []Record {
	s := p.Terms.Services
	var records []Record
	for _, service := range []struct{ name, url, what string }{
		{"_caldavs._tcp", s.CalDAV, "calendars"}, {"_carddavs._tcp", s.CardDAV, "contacts"},
	} {
		u, err := url.Parse(service.url)
		if err != nil || u.Host == "" {
			continue
		}
		records = append(records, p.srv(service.name, 0, portOf(u), u.Hostname(), service.what))
		if path := u.EscapedPath(); path != "" && path != "/" {
			why := "where " + service.what + " are on that host (RFC 6764, section 4)"
			records = append(records, p.record(service.name, "TXT", quote("path="+path), why))
		}
	}
	if u, err := url.Parse(s.JMAP); err == nil && u.Host != "" && p.Terms.DefaultProtocol() == settings.IMAP {
		records = append(records, p.srv("_jmap._tcp", 0, portOf(u), u.Hostname(), "JMAP (RFC 8620, section 2.2)"))
	}
	if m := s.ManageSieve; m != nil && m.Security == settings.STARTTLS {
		records = append(records, p.srv("_sieve._tcp", 0, m.Port, m.Host, "mail filters (RFC 5804, section 1.8)"))
	}
	return records
}

func (p Plan) srv(label string, priority, port int, target, why string) Record {
	return p.record(label, "SRV", fmt.Sprintf("%d 1 %d %s", priority, port, dns.Fqdn(target)), why)
}

func (p Plan) record(label, kind, data, why string) Record {
	return Record{Name: label + "." + dns.Fqdn(p.Domain), Type: kind, TTL: recordTTL, Data: data, Why: why}
}

func portOf(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	return 443
}

// quote writes a character-string of a zone file (RFC 1035, section 5.1).
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
