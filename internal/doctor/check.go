package doctor

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// checkTimeout bounds the check of one domain.
const checkTimeout = 30 * time.Second

// atOnce bounds the questions of one check that are open at a time.
const atOnce = 8

// Part is one part of a check.
type Part string

// The parts.
const (
	PartDNS  Part = "dns"
	PartTLS  Part = "tls"  // certificates of the mail servers
	PartMail Part = "mail" // what the mail servers offer
	PartHTTP Part = "http" // every URL that programs ask
	PartPACC Part = "pacc" // the PACC document and its digest
)

// Parts are all parts.
var Parts = []Part{PartDNS, PartTLS, PartMail, PartHTTP, PartPACC}

// Checker checks domains. It never sends a credential.
type Checker struct {
	Resolver *Resolver
	Dialer   Dialer
	// Roots are the authorities that are trusted; the system's if nil.
	Roots *x509.CertPool
	// Only bounds what is checked; all parts if empty.
	Only []Part
	// Now is time.Now if nil.
	Now func() time.Time
	// Label makes a label that no zone has; a random one if nil.
	Label func() string
}

// Check checks a domain: against its plan, or by itself if plan is nil. It takes
// at most 30 seconds; what could not be asked in that time is in the findings.
func (c *Checker) Check(ctx context.Context, domain string, plan *Plan) Report {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	x := &examination{Checker: c, domain: domain, plan: plan}
	if x.wants(PartDNS) {
		x.dns(ctx)
		x.misled()
	}
	if x.wants(PartTLS) || x.wants(PartMail) {
		x.servers(ctx)
	}
	if x.wants(PartHTTP) {
		x.web(ctx)
	}
	if x.wants(PartPACC) {
		x.pacc(ctx)
	}
	findings := slices.CompactFunc(slices.SortedFunc(slices.Values(x.findings), bySeverity), func(a, b Finding) bool {
		return bySeverity(a, b) == 0
	})
	return Report{Domain: domain, Served: plan != nil, Findings: findings, CertificateDays: x.days}
}

// examination is one check while it runs.
type examination struct {
	*Checker
	domain string
	plan   *Plan

	mu       sync.Mutex
	findings []Finding
	days     *int // until the first certificate expires
}

func (x *examination) wants(p Part) bool { return len(x.Only) == 0 || slices.Contains(x.Only, p) }

func (x *examination) now() time.Time {
	if x.Checker.Now != nil {
		return x.Checker.Now()
	}
	return time.Now()
}

func (x *examination) label() string {
	if x.Checker.Label != nil {
		return x.Checker.Label()
	}
	raw := make([]byte, 10)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

// found adds a finding; what it doesn't say is taken from its code's meaning.
func (x *examination) found(f Finding) {
	m := meaning(f.Code)
	if f.Severity == "" {
		f.Severity = m.Severity
	}
	if f.Remedy == "" {
		f.Remedy = m.Mend
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.findings = append(x.findings, f)
}

// inconclusive reports a question without an answer.
func (x *examination) inconclusive(subject string, err error) {
	seen := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		seen = fmt.Sprintf("not asked: the check took longer than %s", checkTimeout)
	}
	x.found(Finding{Code: DNSLookupFailed, Subject: subject, Seen: seen})
}

// misled counts whom the records can't reach.
func (x *examination) misled() {
	if x.plan != nil && x.plan.Serverless > 0 {
		x.found(Finding{Code: PolicyServerless, Subject: x.domain, Seen: fmt.Sprintf("%d accounts whose protocol has no server", x.plan.Serverless)})
	}
	if x.plan != nil && x.plan.Misled > 0 {
		x.found(Finding{
			Code: PolicyMisleads, Subject: x.domain,
			Seen: fmt.Sprintf("%d accounts with another protocol than %s", x.plan.Misled, strings.ToUpper(string(x.plan.Terms.DefaultProtocol()))),
		})
	}
}

// each runs f for every item, a few at a time, and waits for all.
func each[T any](items []T, f func(T)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			f(item)
		})
	}
	group.Wait()
}
