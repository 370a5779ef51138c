package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// Severity is the severity of a finding.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // some program fails, or passwords are at risk
	Warning Severity = "warning" // some program may be misled, or will be soon
	Info    Severity = "info"    // could be better
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Info}, s) }

// Finding is one result of a check.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	// Subject is the owner of a record, a server, or a URL.
	Subject string `json:"subject"`
	// Seen is what was found, Expected what should be.
	Seen     string `json:"seen,omitempty"`
	Expected string `json:"expected,omitempty"`
	// Remedy says how to fix it, with Records to copy into the zone.
	Remedy  string   `json:"remedy"`
	Records []Record `json:"records,omitempty"`
}

// Report is the result of the check of one domain.
type Report struct {
	Domain string `json:"domain"`
	// Served is set for a domain of our site. Others are only checked for consistency.
	Served   bool      `json:"served"`
	Findings []Finding `json:"findings"`
	// CertificateDays is the number of days until the first certificate of a mail server
	// expires; nil if none was seen.
	CertificateDays *int `json:"certificate_days,omitempty"`
}

// Worst is the worst severity of the findings, "" if there are none.
func (r Report) Worst() Severity {
	if len(r.Findings) == 0 {
		return ""
	}
	return slices.MinFunc(r.Findings, bySeverity).Severity
}

func bySeverity(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Severity.rank(), b.Severity.rank()),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(a.Seen, b.Seen),
	)
}

// Code names a kind of finding. Codes are stable: scripts and dashboards depend on them.
type Code string

// Meaning explains a code.
type Meaning struct {
	Code     Code
	Severity Severity
	// Means says what is wrong and who is affected, Remedy how to fix it.
	Means, Remedy string
}

// together merges findings that differ in the URL alone: a document is often published
// under several.
func together(findings []Finding) []Finding {
	all := []Finding{} // not nil, for an empty list in JSON
	also := map[int][]string{}
	for _, f := range findings {
		i := slices.IndexFunc(all, func(g Finding) bool {
			return strings.HasPrefix(string(f.Code), "CONFIG-") && f.Code == g.Code && f.Severity == g.Severity &&
				f.Seen == g.Seen && f.Expected == g.Expected && f.Remedy == g.Remedy
		})
		if i < 0 {
			all = append(all, f)
			continue
		}
		also[i] = append(also[i], f.Subject)
	}
	for i, urls := range also {
		all[i].Seen += " (also at " + strings.Join(urls, ", ") + ")"
	}
	return all
}
