package operator

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/internal/directory"
)

// Severity is how bad a problem is.
type Severity string

// Severities. An error is something that doesn't work now: /readyz says degraded. A
// warning works now, and will not always, or not for everybody.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// ProblemCode is the kind of a problem, for programs and for a metric's label.
type ProblemCode string

// The codes.
const (
	DatabaseDown          ProblemCode = "database-down"
	DatabaseUnwritable    ProblemCode = "database-unwritable"
	SourceDown            ProblemCode = "source-down"
	SourcePlan            ProblemCode = "source-plan"
	SourceQuery           ProblemCode = "source-query"
	ProviderDown          ProblemCode = "identity-provider-down"
	CertificateExpired    ProblemCode = "certificate-expired"
	CertificateNotYet     ProblemCode = "certificate-not-yet-valid"
	CertificateExpires    ProblemCode = "certificate-expires-soon"
	CertificateNames      ProblemCode = "certificate-names"
	CertificatePurpose    ProblemCode = "certificate-purpose"
	CertificateChain      ProblemCode = "certificate-chain"
	CertificateMissing    ProblemCode = "certificate-missing"
	CertificateRenewal    ProblemCode = "certificate-renewal"
	FilesUnusable         ProblemCode = "files-unusable"
	FileReadable          ProblemCode = "file-readable"
	SecretForeign         ProblemCode = "secret-foreign"
	ListenerUnusable      ProblemCode = "listener-unusable"
	PublicURLLoopback     ProblemCode = "public-url-loopback"
	ReloadRefused         ProblemCode = "reload-refused"
	RestartNeeded         ProblemCode = "restart-needed"
	ConfigurationWrong    ProblemCode = "configuration-wrong"
	NameUnknown           ProblemCode = "name-unknown"
	NameElsewhere         ProblemCode = "name-elsewhere"
	ClockWrong            ProblemCode = "clock-wrong"
	ClockJumped           ProblemCode = "clock-jumped"
	MessagesWait          ProblemCode = "messages-wait"
	WebhookWaits          ProblemCode = "webhook-waits"
	ConnectionsUnaccepted ProblemCode = "connections-unaccepted"
)

// Problem is something that is wrong with the service or with what it stands on.
type Problem struct {
	Code     ProblemCode `json:"code"`
	Severity Severity    `json:"severity"`
	// What is wrong, Where (a key of the configuration, a file, a source), and what
	// to do.
	What   string `json:"what"`
	Where  string `json:"where,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// String is the problem in one line.
func (p Problem) String() string {
	parts := []string{p.What}
	if p.Where != "" {
		parts[0] = p.Where + ": " + p.What
	}
	if p.Remedy != "" {
		parts = append(parts, p.Remedy)
	}
	return strings.Join(parts, "; ")
}

// key tells two problems apart, whatever numbers and times their texts have.
func (p Problem) key() string { return string(p.Code) + " " + p.Where }

// Seen is what was found when somebody looked.
type Seen struct {
	Problems []Problem
	// NotAfter is when the certificates in use expire, by their use: tls or signing.
	NotAfter map[string]time.Time
	// Certificates counts the names that the service gets certificates for, by their state;
	// nil where it gets none.
	Certificates map[string]int
	// Messages counts those that wait to be sent by mail.
	Messages int
	// Notices counts those about links that wait for the webhook.
	Notices int
}

// Add adds what else was found.
func (s *Seen) Add(more ...Problem) { s.Problems = append(s.Problems, more...) }

// Problems is what is wrong, as it was when it was last looked at. It needs a
// Logger.
type Problems struct {
	Logger *slog.Logger
	mu     sync.Mutex
	seen   Seen
}

// Set takes what is wrong now in the place of what was before. The log is told what
// is new, and what is mended.
func (p *Problems) Set(now Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	has := func(list []Problem, one Problem) bool {
		return slices.ContainsFunc(list, func(other Problem) bool {
			return other.key() == one.key() &&
				other.Severity == one.Severity
		})
	}
	for _, one := range now.Problems {
		if !has(p.seen.Problems, one) {
			p.tell(one)
		}
	}
	for _, one := range p.seen.Problems {
		if !has(now.Problems, one) {
			p.Logger.Info("mended", "code", one.Code, "where", one.Where, "what", one.What)
		}
	}
	p.seen = now
}

func (p *Problems) tell(one Problem) {
	level := slog.LevelWarn
	if one.Severity == Error {
		level = slog.LevelError
	}
	attrs := []any{"code", one.Code}
	if one.Where != "" {
		attrs = append(attrs, "where", one.Where)
	}
	if one.Remedy != "" {
		attrs = append(attrs, "remedy", one.Remedy)
	}
	p.Logger.Log(context.Background(), level, one.What, attrs...)
}

// Last is what was found when somebody last looked, errors first.
func (p *Problems) Last() Seen {
	if p == nil {
		return Seen{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.seen
	last.Problems = slices.Clone(p.seen.Problems)
	slices.SortStableFunc(last.Problems, func(a, b Problem) int { return cmp.Compare(a.Severity, b.Severity) })
	return last
}

// allProblems are those that are looked for now and then, and how the database and
// the sources fare at this moment.
func (s *Private) allProblems() []Problem {
	var all []Problem
	for _, health := range append([]directory.Health{s.Directory.Health()}, s.Directory.Sources()...) {
		if health.Err == nil {
			continue
		}
		p := Problem{Code: DatabaseDown, Severity: Error, What: "the database", Where: "database"}
		if health.Name != "" {
			p.Code, p.What, p.Where = SourceDown, "the source "+health.Name, "sources: "+health.Name
		}
		p.What += " can't be asked since " + health.Since.UTC().Format("2006-01-02 15:04:05Z") + ": " + health.Err.Error()
		all = append(all, p)
	}
	if problem := s.unwritable(); problem != "" {
		all = append(all, Problem{Code: DatabaseUnwritable, Severity: Error, What: problem, Where: "database"})
	}
	return append(all, s.Problems.Last().Problems...)
}

// unwritable says that nothing can be written, since when, why and what to do; "" while
// it can.
func (s *Private) unwritable() string {
	if s.Unwritable == nil {
		return ""
	}
	since, why := s.Unwritable()
	if why == nil {
		return ""
	}
	return "nothing can be written to the database since " + since.Format("2006-01-02 15:04:05Z") + ": " + why.Error() +
		"; see that its disk has room and isn't read-only: answers go on, but links can't be used and nothing can be changed"
}

// problemCollector shows problems as metrics. Its labels are our own words.
type problemCollector struct{ of *Private }

var (
	problemDesc = prometheus.NewDesc("autoconfig_problem", "1 for each kind of problem that /readyz names.",
		[]string{"code", "severity"}, nil)
	notAfterDesc = prometheus.NewDesc("autoconfig_certificate_expiry_timestamp_seconds",
		"When the certificate in use expires, in seconds since 1970.", []string{"use"}, nil)
	statesDesc = prometheus.NewDesc("autoconfig_certificates",
		"Names that the service gets certificates for, by state.", []string{"state"}, nil)
	messagesDesc = prometheus.NewDesc("autoconfig_messages_queued",
		"Messages that wait to be sent by mail, of all replicas.", nil, nil)
	noticesDesc = prometheus.NewDesc("autoconfig_link_notices_queued",
		"Notices about setup links that wait to be sent to links.webhook, of all replicas.", nil, nil)
)

// Describe implements prometheus.Collector.
func (problemCollector) Describe(out chan<- *prometheus.Desc) {
	out <- problemDesc
	out <- notAfterDesc
	out <- statesDesc
	out <- messagesDesc
	out <- noticesDesc
}

// Collect implements prometheus.Collector.
func (p problemCollector) Collect(out chan<- prometheus.Metric) {
	type kind struct {
		code     ProblemCode
		severity Severity
	}
	seen := map[kind]bool{}
	for _, one := range p.of.allProblems() {
		if k := (kind{one.Code, one.Severity}); !seen[k] {
			seen[k] = true
			out <- prometheus.MustNewConstMetric(problemDesc, prometheus.GaugeValue, 1, string(one.Code), string(one.Severity))
		}
	}
	for state, n := range p.of.Problems.Last().Certificates {
		out <- prometheus.MustNewConstMetric(statesDesc, prometheus.GaugeValue, float64(n), state)
	}
	out <- prometheus.MustNewConstMetric(messagesDesc, prometheus.GaugeValue, float64(p.of.Problems.Last().Messages))
	out <- prometheus.MustNewConstMetric(noticesDesc, prometheus.GaugeValue, float64(p.of.Problems.Last().Notices))
	for use, at := range p.of.Problems.Last().NotAfter {
		out <- prometheus.MustNewConstMetric(notAfterDesc, prometheus.GaugeValue, float64(at.Unix()), use)
	}
}
