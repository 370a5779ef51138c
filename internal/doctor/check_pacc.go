package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/pacc"
)

// pacc compares a domain's document with its digests.
func (x *examination) pacc(ctx context.Context) {
	owner := pacc.Label + "." + dns.Fqdn(x.domain)
	answer, err := x.Resolver.Ask(ctx, owner, dns.TypeTXT)
	if err != nil {
		x.inconclusive(owner+" TXT", err)
		return
	}
	var digests []pacc.Digest
	meant := 0
	for _, text := range textsOf(answer) {
		if !pacc.IsTXT(text) {
			continue
		}
		meant++
		if d, err := pacc.ParseTXT(text); err != nil {
			x.found(Finding{Code: PACCTXTInvalid, Subject: owner + " TXT", Seen: fmt.Sprintf("%q: %v", text, err), Records: x.digests()})
		} else {
			digests = append(digests, d)
		}
	}
	ours := x.plan != nil && len(x.plan.Documents) > 0
	if meant == 0 {
		if ours {
			x.found(Finding{Code: PACCTXTMissing, Subject: owner + " TXT", Seen: "nothing", Expected: datas(x.digests()), Records: x.digests()})
		}
		return
	}
	url := "https://" + pacc.HostLabel + "." + x.domain + pacc.Path
	p, err := x.fetch(ctx, request{method: http.MethodGet, url: url})
	if err != nil || p.status != http.StatusOK {
		seen := fmt.Sprintf("status %d", p.status)
		if err != nil {
			seen = err.Error()
		}
		x.found(Finding{Code: PACCUnreachable, Subject: url, Seen: seen})
		return
	}
	got := pacc.DigestOf(p.body)
	for _, d := range digests {
		if d.Equal(got) {
			x.readPACC(url, p.body)
			return
		}
	}
	x.found(Finding{Code: PACCDigest, Subject: owner + " TXT", Seen: strings.Join(textsOf(answer), "; "), Expected: got.TXT(), Records: x.digests()})
}

// digests are the records to publish.
func (x *examination) digests() []Record {
	var records []Record
	if x.plan != nil {
		for _, r := range x.plan.hosts() {
			if r.Type == "TXT" {
				records = append(records, r)
			}
		}
	}
	return records
}

func (x *examination) readPACC(url string, body []byte) {
	d, err := pacc.Parse(body)
	if err != nil {
		x.found(Finding{Code: ConfigUnreadable, Subject: url, Seen: err.Error()})
		return
	}
	if d.Protocols.IMAP != nil && d.Protocols.POP3 != nil && x.plan != nil {
		x.found(Finding{Code: ConfigDisagrees, Subject: url, Seen: "IMAP and POP3", Expected: "the domain's default alone"})
	}
}
