package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	// maxAnswer bounds the records of an answer that are looked at.
	maxAnswer = 512
	// maxAliases bounds a chain of CNAMEs.
	maxAliases = 8
)

// Answer is what the DNS says of a name and type.
type Answer struct {
	// Records are those of the type that was asked for, at the end of Aliases.
	Records []dns.RR
	// Aliases are the names that CNAMEs led over, the asked one not among them.
	Aliases []string
	// NoName means that the name doesn't exist at all (NXDOMAIN); with no records
	// and NoName false it has none of this type (NODATA).
	NoName bool
	// Authentic is the AD bit: a validating resolver vouches for it.
	Authentic bool
}

// readAnswer follows aliases within the answer.
func readAnswer(reply *dns.Msg) (Answer, error) {
	answer := Answer{NoName: reply.Rcode == dns.RcodeNameError}
	name, kind := reply.Question[0].Name, reply.Question[0].Qtype
	all := reply.Answer
	if len(all) > maxAnswer {
		all = all[:maxAnswer]
	}
	for range maxAliases {
		alias := ""
		for _, rr := range all {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			if c, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME {
				alias = c.Target
			} else if rr.Header().Rrtype == kind {
				answer.Records = append(answer.Records, rr)
			}
		}
		if alias == "" {
			return answer, nil
		}
		answer.Aliases = append(answer.Aliases, strings.ToLower(alias))
		name = alias
	}
	return Answer{}, fmt.Errorf("%w for %s: more than %d aliases", ErrInconclusive, reply.Question[0].Name, maxAliases)
}

// String is the data of the records, sorted.
func (a Answer) String() string {
	all := make([]string, len(a.Records))
	for i, rr := range a.Records {
		all[i] = Data(rr)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// Lack says why a host can't be dialled, after the host's name.
func (a Answer) Lack() string {
	if a.NoName {
		return " doesn't exist"
	}
	return " has no address"
}

// Texts are the strings of TXT records.
func (a Answer) Texts() []string {
	var all []string
	for _, rr := range a.Records {
		if txt, ok := rr.(*dns.TXT); ok {
			all = append(all, strings.Join(txt.Txt, ""))
		}
	}
	return all
}

// Services are the SRV records that lead somewhere: "." means that a service isn't
// offered (RFC 2782).
func (a Answer) Services() []*dns.SRV {
	var all []*dns.SRV
	for _, rr := range a.Records {
		if srv, ok := rr.(*dns.SRV); ok && srv.Target != "." {
			all = append(all, srv)
		}
	}
	return all
}

// BestMX is the host of the first MX record with the lowest preference, "" for none. A
// null MX (RFC 7505) is none.
func (a Answer) BestMX() string {
	var best *dns.MX
	for _, rr := range a.Records {
		if mx, ok := rr.(*dns.MX); ok && mx.Mx != "." && (best == nil || mx.Preference < best.Preference) {
			best = mx
		}
	}
	if best == nil {
		return ""
	}
	return Host(best.Mx)
}

// Host is a name of the DNS as URLs have it: in lower case, without the final dot.
func Host(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Data is a record's data in presentation form, so that what means the same is the
// same: names in lower case, addresses in their shortest form.
func Data(rr dns.RR) string {
	data := strings.TrimPrefix(rr.String(), rr.Header().String())
	switch rr := rr.(type) {
	case *dns.SRV, *dns.CNAME:
		return strings.ToLower(data)
	case *dns.A:
		return addressText(rr.A)
	case *dns.AAAA:
		return addressText(rr.AAAA)
	}
	return data
}

func addressText(ip []byte) string {
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap().String()
}
