package doctor

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
)

// Key is a TSIG key (RFC 8945).
type Key struct{ Name, Algorithm, Secret string }

var (
	keyName      = regexp.MustCompile(`key\s+"?([A-Za-z0-9._-]+)"?\s*\{`)
	keyAlgorithm = regexp.MustCompile(`algorithm\s+"?([A-Za-z0-9.-]+)"?\s*;`)
	keySecret    = regexp.MustCompile(`secret\s+"?([A-Za-z0-9+/=]+)"?\s*;`)
)

// ParseKey reads a key file as BIND's tsig-keygen writes it.
func ParseKey(text []byte) (Key, error) {
	find := func(pattern *regexp.Regexp) string {
		if m := pattern.FindSubmatch(text); m != nil {
			return string(m[1])
		}
		return ""
	}
	k := Key{dns.Fqdn(find(keyName)), dns.Fqdn(strings.ToLower(find(keyAlgorithm))), find(keySecret)}
	switch k.Algorithm {
	case dns.HmacSHA1, dns.HmacSHA224, dns.HmacSHA256, dns.HmacSHA384, dns.HmacSHA512:
	case ".":
		return Key{}, errors.New(`not a TSIG key file: it has no algorithm; make one with: tsig-keygen NAME`)
	default:
		return Key{}, fmt.Errorf("the TSIG algorithm %s isn't supported; use hmac-sha256",
			strings.TrimSuffix(k.Algorithm, "."))
	}
	if raw, err := base64.StdEncoding.DecodeString(k.Secret); err != nil || len(raw) == 0 || k.Name == "." {
		return Key{}, errors.New(`not a TSIG key file: it needs key "NAME" { algorithm ...; secret "BASE64"; };`)
	}
	return k, nil
}

// Updater changes a zone at its primary server by dynamic update (RFC 2136).
type Updater struct {
	// Server is the primary, as host:port: the operator's choice.
	Server string
	Key    Key
}

// Ask asks the primary.
func (u Updater) Ask(ctx context.Context, name string, kind uint16) (probe.Answer, error) {
	return probe.AskAt(ctx, u.Server, name, kind)
}

// ErrRaced means that a record has been changed since the difference was computed. Nothing
// was changed.
var ErrRaced = errors.New("the records have changed meanwhile; nothing was changed, look at the difference again")

// Apply makes the changes, all or none, and only if what they replace is still published.
func (u Updater) Apply(ctx context.Context, domain string, changes []Change) error {
	zone, err := u.zone(ctx, domain)
	if err != nil {
		return err
	}
	m := new(dns.Msg)
	m.SetUpdate(zone)
	for _, c := range changes {
		if err := addChange(m, c); err != nil {
			return err
		}
	}
	const fudge = 300 // seconds, as RFC 8945, section 10, recommends
	m.SetTsig(u.Key.Name, u.Key.Algorithm, fudge, time.Now().Unix())
	client := &dns.Client{Net: "tcp", Timeout: 10 * time.Second, TsigSecret: map[string]string{u.Key.Name: u.Key.Secret}}
	reply, _, err := client.ExchangeContext(ctx, m, u.Server)
	switch {
	case err != nil && reply == nil:
		return fmt.Errorf("update of %s at %s: %w", zone, u.Server, err)
	case reply.Rcode == dns.RcodeNXRrset || reply.Rcode == dns.RcodeYXRrset:
		return ErrRaced
	case reply.Rcode != dns.RcodeSuccess || err != nil:
		return fmt.Errorf("update of %s refused by %s: %s%s", zone, u.Server, probe.RcodeText(reply.Rcode), tsigError(reply))
	}
	return nil
}

func tsigError(reply *dns.Msg) string {
	if t := reply.IsTsig(); t != nil && t.Error != 0 {
		return " (TSIG " + probe.RcodeText(int(t.Error)) + ": is it the right key, and are both clocks right?)"
	}
	if reply.Rcode == dns.RcodeNotAuth {
		return " (is it the right key?)"
	}
	return ""
}

// addChange replaces one RRset, with the prerequisite that it is as it was shown. Of TXT
// records, only ours are touched.
func addChange(m *dns.Msg, c Change) error {
	have, err := rrs(c.Have)
	if err != nil {
		return err
	}
	want, err := rrs(c.Want)
	if err != nil {
		return err
	}
	switch {
	case c.Type == "TXT":
		m.Remove(have)
	case len(have) > 0:
		m.Used(have)
		m.RemoveRRset(have[:1])
	default:
		m.RRsetNotUsed([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: c.Name, Rrtype: dns.StringToType[c.Type]}}})
	}
	m.Insert(want)
	return nil
}

func rrs(records []Record) ([]dns.RR, error) {
	var list []dns.RR
	for _, r := range records {
		rr, err := r.rr()
		if err != nil {
			return nil, err
		}
		list = append(list, rr)
	}
	return list, nil
}

// zone is the zone at the server that holds the domain's names.
func (u Updater) zone(ctx context.Context, domain string) (string, error) {
	reply, err := probe.Exchange(ctx, u.Server, domain, dns.TypeSOA)
	if err != nil {
		return "", fmt.Errorf("ask %s for the zone of %s: %w", u.Server, domain, err)
	}
	for _, rr := range append(reply.Answer, reply.Ns...) {
		if soa, ok := rr.(*dns.SOA); ok && reply.Authoritative {
			return soa.Hdr.Name, nil
		}
	}
	return "", fmt.Errorf("%s has no authority for %s", u.Server, domain)
}
