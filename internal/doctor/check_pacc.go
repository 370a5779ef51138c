package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
)

// pacc compares a domain's document with the published digests.
func (c *check) pacc(ctx context.Context) {
	owner := pacc.Label + "." + dns.Fqdn(c.domain)
	answer, err := c.Resolver.Ask(ctx, owner, dns.TypeTXT)
	if err != nil {
		c.inconclusive(owner+" TXT", err)
		return
	}
	var digests []pacc.Digest
	meant := 0
	for _, text := range answer.Texts() {
		if !pacc.IsTXT(text) {
			continue
		}
		meant++
		if d, err := pacc.ParseTXT(text); err != nil {
			c.report(Finding{
				Code: PACCTXTInvalid, Subject: owner + " TXT",
				Seen: fmt.Sprintf("%q: %v", text, err), Records: c.digests(),
			})
		} else {
			digests = append(digests, d)
		}
	}
	ours := c.plan != nil && len(c.plan.Documents) > 0
	if meant == 0 {
		if ours {
			c.report(Finding{
				Code: PACCTXTMissing, Subject: owner + " TXT",
				Seen: "nothing", Expected: datas(c.digests()), Records: c.digests(),
			})
		}
		return
	}
	url := "https://" + pacc.HostLabel + "." + c.domain + pacc.Path
	p, err := c.Fetch(ctx, probe.Get(url))
	if err != nil || p.Status != http.StatusOK {
		seen := fmt.Sprintf("status %d", p.Status)
		if err != nil {
			seen = err.Error()
		}
		c.report(Finding{
			Code: PACCUnreachable, Subject: url, Seen: seen,
			Records: c.hostRecords(pacc.HostLabel + "." + c.domain),
		})
		return
	}
	got := pacc.DigestOf(p.Body)
	for _, d := range digests {
		if d.Equal(got) {
			c.readPACC(url, p.Body)
			return
		}
	}
	c.report(Finding{
		Code: PACCDigest, Subject: owner + " TXT",
		Seen: strings.Join(answer.Texts(), "; "), Expected: got.TXT(), Records: c.digestOf(got),
	})
}

// digests are the digest records to publish.
func (c *check) digests() []Record {
	var records []Record
	if c.plan != nil {
		for _, r := range c.plan.hosts() {
			if r.Type == "TXT" {
				records = append(records, r)
			}
		}
	}
	return records
}

// digestOf is the record to publish for a served document. For a domain of ours it is the
// plan's, as somebody else may serve the document that was fetched.
func (c *check) digestOf(d pacc.Digest) []Record {
	if c.plan != nil {
		return c.digests()
	}
	return []Record{{Name: pacc.Label + "." + dns.Fqdn(c.domain), Type: "TXT", TTL: recordTTL, Data: quote(d.TXT())}}
}

func (c *check) readPACC(url string, body []byte) {
	d, err := pacc.Parse(body)
	if err != nil {
		c.report(Finding{Code: ConfigUnreadable, Subject: url, Seen: err.Error()})
		return
	}
	if d.Protocols.IMAP != nil && d.Protocols.POP3 != nil && c.plan != nil {
		c.report(Finding{Code: ConfigDisagrees, Subject: url, Seen: "IMAP and POP3", Expected: "the domain's default alone"})
	}
}
