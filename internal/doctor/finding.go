package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // some program fails, or passwords are at risk
	Warning Severity = "warning" // some program may be misled, or soon
	Info    Severity = "info"    // could be better
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Info}, s) }

// Finding is one result of a check.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	// Subject is the owner of a record, a server, or a URL.
	Subject string `json:"subject"`
	// Seen and Expected are what was found and what should be.
	Seen     string `json:"seen,omitempty"`
	Expected string `json:"expected,omitempty"`
	// Remedy says what to do; Records are to be copied into the zone.
	Remedy  string   `json:"remedy"`
	Records []Record `json:"records,omitempty"`
}

// Report is what a check of one domain found.
type Report struct {
	Domain string `json:"domain"`
	// Served tells whether the domain is in our site; one that isn't is judged by
	// whether what it publishes fits together.
	Served   bool      `json:"served"`
	Findings []Finding `json:"findings"`
	// CertificateDays are the days until the first certificate of a mail server
	// expires; nil if none was seen.
	CertificateDays *int `json:"certificate_days,omitempty"`
}

// Worst is the worst severity, "" for no findings.
func (r Report) Worst() Severity {
	if len(r.Findings) == 0 {
		return ""
	}
	return slices.MinFunc(r.Findings, bySeverity).Severity
}

func bySeverity(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Seen, b.Seen))
}

// Code names a kind of finding for ever: scripts and dashboards know it.
type Code string

// Meaning is what a page says of a code.
type Meaning struct {
	Code     Code
	Severity Severity
	// Means says what is wrong and who is affected, Mend how to fix it.
	Means, Mend string
}

// together makes one of findings about what is published that differ in the URL alone:
// a document is often published under several.
func together(findings []Finding) []Finding {
	all := []Finding{} // none is an empty list to scripts
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
