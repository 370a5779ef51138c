package doctor

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
)

// checkTimeout bounds the check of one domain.
const checkTimeout = 30 * time.Second

// atOnce bounds the concurrent questions of one check.
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

// notPermitted is the remedy for an address that may not be dialled.
const notPermitted = "Not checked. Permit its network, if it is yours: --allow-network."

// Parts are all parts.
var Parts = []Part{PartDNS, PartTLS, PartMail, PartHTTP, PartPACC}

// Checker checks domains. It never sends a credential.
type Checker struct {
	probe.Prober
	// Only limits the check to these parts; all if empty.
	Only []Part
	// Label returns a label that no zone has, to detect wildcards; a random one if nil.
	Label func() string
}

// Check compares a domain with its plan, or checks it for consistency if plan is nil. It
// takes at most 30 seconds; what could not be asked in that time is in the findings.
func (k *Checker) Check(ctx context.Context, domain string, plan *Plan) Report {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	run := *k
	run.Resolver = k.Resolver.Run()
	c := &check{Checker: &run, domain: domain, plan: plan}
	// The first question finds out alone what the resolver can do, before many are asked.
	_, _ = c.Resolver.Ask(ctx, domain, dns.TypeSOA)
	if c.wants(PartDNS) {
		c.dns(ctx)
		c.misled()
	}
	if c.wants(PartTLS) {
		c.orders()
	}
	if c.wants(PartTLS) || c.wants(PartMail) {
		c.servers(ctx)
	}
	if c.wants(PartHTTP) {
		c.web(ctx)
	}
	if c.wants(PartPACC) {
		c.pacc(ctx)
	}
	c.unanswered()
	if c.wants(PartDNS) {
		c.limits()
	}
	findings := slices.CompactFunc(slices.SortedFunc(slices.Values(c.findings), bySeverity), func(a, b Finding) bool {
		return bySeverity(a, b) == 0
	})
	return Report{
		Domain:          domain,
		Served:          plan != nil,
		Findings:        append([]Finding{}, together(findings)...),
		CertificateDays: c.days,
	}
}

// check is the running check of one domain.
type check struct {
	*Checker
	domain string
	plan   *Plan

	// anonymous are the answers of URLs to requests without an address.
	anonymous map[string]anonymous

	mu       sync.Mutex
	findings []Finding
	days     *int // until the first certificate expires
	lost     map[lost][]string
	unclear  bool // the DNS didn't answer where some URL is
	byHTTP   bool // plain http leads to this service, but https has no certificate
}

func (c *check) wants(p Part) bool { return len(c.Only) == 0 || slices.Contains(c.Only, p) }

func (c *check) label() string {
	if c.Checker.Label != nil {
		return c.Checker.Label()
	}
	raw := make([]byte, 10)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

// report adds a finding, with the defaults of its code for what it leaves open.
func (c *check) report(f Finding) {
	m := meaning(f.Code)
	if f.Severity == "" {
		f.Severity = m.Severity
	}
	if f.Remedy == "" {
		f.Remedy = m.Remedy
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, f)
}

// misled reports how many accounts the records can't serve correctly.
func (c *check) misled() {
	if c.plan != nil && c.plan.Serverless > 0 {
		c.report(Finding{
			Code: PolicyServerless, Subject: c.domain,
			Seen: fmt.Sprintf("%d accounts whose protocol has no server", c.plan.Serverless),
		})
	}
	if c.plan != nil && c.plan.Misled > 0 {
		c.report(Finding{
			Code: PolicyMisleads, Subject: c.domain,
			Seen: fmt.Sprintf("%d accounts with another protocol than %s",
				c.plan.Misled, strings.ToUpper(string(c.plan.Terms.DefaultProtocol()))),
		})
	}
}

// orders reports the certificates that the service couldn't get, before the old ones
// expire.
func (c *check) orders() {
	if c.plan == nil {
		return
	}
	for _, o := range c.plan.Orders {
		f := Finding{
			Code: o.Code, Subject: o.Name,
			Seen: o.Reason + "; next try " + o.Next.UTC().Format("2006-01-02 15:04 UTC"),
		}
		switch {
		case strings.HasPrefix(o.Name, pacc.HostLabel+"."): // no widely used program asks there
			f.Severity = Info
		case o.Served && o.Code != CertDNS:
			f.Severity = Warning
		}
		c.report(f)
	}
}

// parallel runs f for every item, atOnce at a time, and waits for all.
func parallel[T any](items []T, f func(T)) {
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
