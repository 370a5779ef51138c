package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
)

// Format is a format of DNS records.
type Format string

// The formats.
const (
	FormatZone     Format = "zone"     // lines of a zone file (RFC 1035)
	FormatJSON     Format = "json"     // an object for each record
	FormatOctoDNS  Format = "octodns"  // a file of octoDNS's YAML provider
	FormatNSUpdate Format = "nsupdate" // commands of BIND's nsupdate
)

// Write formats a domain's records.
func Write(format Format, domain string, records []Record) ([]byte, error) {
	switch format {
	case FormatZone:
		return writeZone(domain, records), nil
	case FormatJSON:
		text, err := json.MarshalIndent(records, "", "  ")
		return append(text, '\n'), err
	case FormatOctoDNS:
		return writeOctoDNS(domain, records)
	case FormatNSUpdate:
		return writeNSUpdate(domain, records), nil
	}
	return nil, fmt.Errorf("%q is not a format: use zone, json, octodns or nsupdate", format)
}

func writeZone(domain string, records []Record) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "; %s, to be put into its zone\n", domain)
	why := ""
	for _, r := range records {
		if r.Why != why {
			why = r.Why
			fmt.Fprintf(&b, "\n; %s\n", why)
		}
		b.WriteString(r.String() + "\n")
	}
	return []byte(b.String())
}

func writeNSUpdate(domain string, records []Record) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "zone %s\n", dns.Fqdn(domain))
	for _, set := range sets(records) {
		fmt.Fprintf(&b, "update delete %s %s\n", set[0].Name, set[0].Type)
		for _, r := range set {
			fmt.Fprintf(&b, "update add %s %d %s %s\n", r.Name, r.TTL, r.Type, r.Data)
		}
	}
	b.WriteString("show\nsend\n")
	return []byte(b.String())
}

// sets groups records by owner and type, in order of first appearance.
func sets(records []Record) [][]Record {
	var all [][]Record
	at := map[string]int{}
	for _, r := range records {
		key := r.Name + " " + r.Type
		i, known := at[key]
		if !known {
			i = len(all)
			at[key] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], r)
	}
	return all
}

// writeOctoDNS writes the file of octoDNS's YAML provider: relative owners, each with one
// set or a list of sets, sorted as the provider requires by default.
func writeOctoDNS(domain string, records []Record) ([]byte, error) {
	owners := map[string][][]Record{}
	for _, set := range sets(records) {
		owner := strings.TrimSuffix(set[0].Name, "."+dns.Fqdn(domain))
		owners[owner] = append(owners[owner], set)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\n# records of %s\n", domain)
	names := make([]string, 0, len(owners))
	for name := range owners {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s:\n", yamlText(name))
		for _, set := range owners[name] {
			if err := writeOctoSet(&b, set); err != nil {
				return nil, err
			}
		}
	}
	return []byte(b.String()), nil
}

func writeOctoSet(b *strings.Builder, set []Record) error {
	fmt.Fprintf(b, "- ttl: %d\n  type: %s\n", set[0].TTL, set[0].Type)
	if set[0].Type == "CNAME" {
		fmt.Fprintf(b, "  value: %s\n", yamlText(set[0].Data))
		return nil
	}
	b.WriteString("  values:\n")
	for _, r := range set {
		rr, err := r.rr()
		if err != nil {
			return err
		}
		switch rr := rr.(type) {
		case *dns.SRV:
			fmt.Fprintf(b, "  - port: %d\n    priority: %d\n    target: %s\n    weight: %d\n",
				rr.Port, rr.Priority, yamlText(rr.Target), rr.Weight)
		case *dns.TXT:
			// octoDNS requires escaped semicolons.
			fmt.Fprintf(b, "  - %s\n", yamlText(strings.ReplaceAll(strings.Join(rr.Txt, ""), ";", `\;`)))
		case *dns.A, *dns.AAAA:
			fmt.Fprintf(b, "  - %s\n", yamlText(probe.Data(rr)))
		default:
			return fmt.Errorf("octodns: a record of type %s", r.Type)
		}
	}
	return nil
}

// yamlText is a double-quoted scalar; the texts are ASCII.
func yamlText(text string) string { return strconv.Quote(text) }
