package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
)

// Change is a difference at one owner and type.
type Change struct {
	Name string   `json:"name"`
	Type string   `json:"type"`
	Have []Record `json:"have,omitempty"`
	Want []Record `json:"want,omitempty"`
}

// Asker answers DNS questions: a [probe.Resolver], or one server.
type Asker interface {
	Ask(ctx context.Context, name string, kind uint16) (probe.Answer, error)
}

// Diff compares a domain's records with the published ones. If an answer is inconclusive,
// it returns an error and no differences.
//
// Only what the records are about is compared: other TXT records of the same owner stay,
// TTLs may differ, and a special name that has the addresses of the service needs no
// alias.
func Diff(ctx context.Context, asker Asker, records []Record) ([]Change, error) {
	var changes []Change
	for _, want := range sets(records) {
		change, err := diffSet(ctx, asker, want)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change...)
	}
	return changes, nil
}

func diffSet(ctx context.Context, asker Asker, want []Record) ([]Change, error) {
	have, err := published(ctx, asker, want[0].Name, want[0].Type)
	if err != nil {
		return nil, err
	}
	if want[0].Type == "TXT" {
		have = slices.DeleteFunc(have, func(r Record) bool { return !ours(r) })
	}
	if sameRecords(have, want) {
		return nil, nil
	}
	change := Change{Name: want[0].Name, Type: want[0].Type, Have: have, Want: want}
	if want[0].Type != "CNAME" || len(have) > 0 {
		return []Change{change}, nil
	}
	return diffAlias(ctx, asker, change)
}

// diffAlias looks for addresses where an alias is wanted: they exclude each other.
func diffAlias(ctx context.Context, asker Asker, alias Change) ([]Change, error) {
	var changes []Change
	var at []string
	for _, kind := range []string{"A", "AAAA"} {
		have, err := published(ctx, asker, alias.Name, kind)
		if err != nil {
			return nil, err
		}
		if len(have) > 0 {
			changes = append(changes, Change{Name: alias.Name, Type: kind, Have: have})
		}
		for _, r := range have {
			at = append(at, r.Data)
		}
	}
	if len(at) > 0 {
		target := alias.Want[0].Data
		var service []string
		for _, kind := range []string{"A", "AAAA"} {
			there, err := published(ctx, asker, target, kind)
			if err != nil {
				return nil, err
			}
			for _, r := range there {
				service = append(service, r.Data)
			}
		}
		elsewhere := func(ip string) bool { return !slices.Contains(service, ip) }
		slices.Sort(at)
		if len(service) > 0 && !slices.ContainsFunc(at, elsewhere) {
			return nil, nil
		}
	}
	return append(changes, alias), nil
}

// ours reports whether a TXT record is one that we publish.
func ours(r Record) bool {
	text := unquoted(r)
	return pacc.IsTXT(text) || strings.HasPrefix(text, "path=")
}

func unquoted(r Record) string {
	rr, err := r.rr()
	if err != nil {
		return ""
	}
	if txt, ok := rr.(*dns.TXT); ok {
		return strings.Join(txt.Txt, "")
	}
	return ""
}

func published(ctx context.Context, asker Asker, name, kind string) ([]Record, error) {
	answer, err := asker.Ask(ctx, name, dns.StringToType[kind])
	if err != nil {
		return nil, err
	}
	if len(answer.Aliases) > 0 && kind != "CNAME" {
		return nil, nil // records of the alias's target
	}
	var records []Record
	for _, rr := range answer.Records {
		records = append(records, recordOf(rr))
	}
	return records, nil
}

func recordOf(rr dns.RR) Record {
	h := rr.Header()
	return Record{Name: strings.ToLower(h.Name), Type: dns.TypeToString[h.Rrtype], TTL: h.Ttl, Data: probe.Data(rr)}
}

func sameRecords(a, b []Record) bool {
	data := func(list []Record) []string {
		var all []string
		for _, r := range list {
			all = append(all, strings.ToLower(r.Data))
			if r.Type == "TXT" {
				all[len(all)-1] = unquoted(r)
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return slices.Equal(data(a), data(b))
}

// String returns the change as removed and added lines.
func (c Change) String() string {
	var b strings.Builder
	for _, r := range c.Have {
		fmt.Fprintf(&b, "- %s\n", r)
	}
	for _, r := range c.Want {
		fmt.Fprintf(&b, "+ %s\n", r)
	}
	return b.String()
}
