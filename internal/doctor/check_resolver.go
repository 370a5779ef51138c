package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoconfig/internal/doctor/probe"
)

// kinds are the codes of the failures of name servers.
var kinds = map[probe.FailureKind]Code{
	probe.Silence: DNSTimeout, probe.NoConnection: DNSTimeout, probe.Refused: DNSRefused,
	probe.FormErr: DNSFormErr, probe.NotImp: DNSNotImp,
	probe.BadVers: DNSBadVers, probe.NoTCP: DNSNoTCP, probe.NoRecursion: DNSNoRecursion,
}

// unknown are the codes of questions without an answer.
var unknown = []Code{
	DNSLookupFailed, DNSTimeout, DNSRefused, DNSFormErr, DNSNotImp, DNSBadVers, DNSNoTCP, DNSNoRecursion,
}

// lost is a failure of a name server, with the questions that it affects.
type lost struct {
	server, text string
	code         Code
}

// inconclusive records a question without an answer. A server's failure is reported once,
// not for each name.
func (c *check) inconclusive(subject string, err error) {
	var none probe.Inconclusive
	errors.As(err, &none)
	named := func(f probe.Failure) bool { return kinds[f.Kind] == "" }
	if len(none.Failures) == 0 || slices.ContainsFunc(none.Failures, named) {
		seen := err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			seen = fmt.Sprintf("not asked: the check took longer than %s", checkTimeout)
		}
		c.report(Finding{Code: DNSLookupFailed, Subject: subject, Seen: seen})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = map[lost][]string{}
	}
	for _, f := range none.Failures {
		key := lost{f.Server, f.Text, kinds[f.Kind]}
		c.lost[key] = append(c.lost[key], subject)
	}
}

// namesShown bounds the names in a finding.
const namesShown = 3

// unanswered reports the recorded failures.
func (c *check) unanswered() {
	for at, names := range c.lost {
		slices.Sort(names)
		names = slices.Compact(names)
		text := strings.Join(names[:min(len(names), namesShown)], ", ")
		if more := len(names) - namesShown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		c.report(Finding{Code: at.code, Subject: at.server, Seen: at.text + ", for " + text})
	}
}

// limits reports what the resolvers couldn't do, although they answered when asked in
// another way. The domain isn't affected.
func (c *check) limits() {
	for _, server := range c.Resolver.Servers {
		c.limitsOf(server, Info)
	}
}

func (c *check) limitsOf(server string, severity Severity) {
	for _, limit := range c.Resolver.Limits(server) {
		f := Finding{Code: kinds[limit.Kind], Severity: Info, Subject: server, Seen: limit.Text}
		switch limit.Kind {
		case probe.Silence:
			f.Code, f.Severity = DNSEDNSDropped, severity
		case probe.NoTCP:
			f.Severity = severity
		}
		if !c.hasLost(server, f.Code) {
			c.report(f)
		}
	}
}

// hasLost reports whether a server is reported for an unanswered question.
func (c *check) hasLost(server string, code Code) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at := range c.lost {
		if at.server == server && at.code == code {
			return true
		}
	}
	return false
}
