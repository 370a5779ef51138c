package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
	"autoconfig/policy"
	"autoconfig/settings"
)

// plan is what a served domain should publish.
func (app *application) plan(c *call, name string) (doctor.Plan, error) {
	domain, err := settings.ParseDomain(name)
	if err != nil {
		return doctor.Plan{}, fmt.Errorf("%q is not a domain name", name)
	}
	terms, err := app.domainTerms(c, domain)
	if err != nil && !errors.Is(err, directory.ErrNotFound) && app.hasSite() { // a source is down: as it last was
		if listed, failed := app.listedTerms(c, domain); failed == nil {
			terms, err = listed, nil
		}
	}
	if errors.Is(err, directory.ErrNotFound) {
		return doctor.Plan{}, refusal{notServed{domain, err, app.near(c, domain)}}
	} else if err != nil {
		return doctor.Plan{}, err
	}
	var byHand []settings.Protocol
	if app.directory.HasSources(terms) { // whose accounts may have either, and can't all be asked for
		byHand = []settings.Protocol{settings.IMAP, settings.POP3}
	}
	misled := 0
	for a, err := range app.store.AllAccounts(c, terms.Name) {
		if err != nil {
			return doctor.Plan{}, err
		}
		byHand = append(byHand, a.Protocol)
		if terms.Decide(a).Protocol != terms.DefaultProtocol() {
			misled++
		}
	}
	orders, err := app.failedOrders(c, domain, terms.Name)
	if err != nil {
		return doctor.Plan{}, err
	}
	documents, err := app.documents(c, domain, terms)
	return doctor.Plan{
		Domain: domain, Host: app.process.PublicURL.Hostname(), Addresses: publicAddresses(app.process), Terms: terms,
		Given: terms.Given(byHand...), Documents: documents, Misled: misled,
		Orders: orders,
	}, err
}

// failedOrders are the certificates for a name's special names that couldn't be got at the
// last try.
func (app *application) failedOrders(c *call, name, domain string) (failed []doctor.FailedOrder, err error) {
	if app.process.TLS.Effective() != config.TLSACME {
		return nil, nil
	}
	for row, err := range app.store.AllCertificates(c, []string{domain}) {
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(row.Name, ".") // an alias is checked by itself
		if rest == name && row.Failures > 0 {
			failed = append(failed, doctor.FailedOrder{
				Name: row.Name, Code: doctor.Code(row.Code), Reason: row.Reason, Next: row.DueAt,
				Served: row.HasOne() && time.Now().Before(row.NotAfter),
			})
		}
	}
	return failed, nil
}

// sourceAccountsMost bounds the accounts of other sources that a check looks at.
const sourceAccountsMost = 200

// lookAtSources counts what a policy does to the accounts of a domain that are kept
// in other sources: to the first ones, for the sources aren't ours to burden. It
// names the sources that couldn't be asked.
func (app *application) lookAtSources(c context.Context, plan *doctor.Plan) (failed []string, err error) {
	if !app.directory.HasSources(plan.Terms) {
		return nil, nil
	}
	entry, err := app.directory.Domain(c, plan.Domain)
	if err != nil {
		return nil, err
	}
	accounts, failed, err := app.directory.Search(c, "@"+plan.Terms.Name, []string{plan.Terms.Name}, sourceAccountsMost)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		found, err := app.directory.Lookup(c, entry, a.Address)
		switch {
		case err != nil:
			return failed, err
		case found.Source == "":
			continue // counted already
		}
		decision := plan.Terms.Decide(found.Account)
		if decision.Refused != "" {
			plan.Serverless++
		}
		if decision.Protocol != plan.Terms.DefaultProtocol() {
			plan.Misled++
		}
	}
	return failed, nil
}

// documents are the PACC documents whose digests belong into the DNS: those that
// are stored, or the one that will be at first. A domain that a source knows and
// doesn't list has none: nobody would bring it up to date.
func (app *application) documents(c *call, name string, terms *policy.Terms) ([][]byte, error) {
	if own, err := app.isListed(c, name); !own {
		return nil, err
	}
	d, err := app.store.PACC(c, name)
	if err != nil {
		return nil, err
	}
	if d.Served == nil && d.Waiting == nil {
		if d.Served, err = pacc.Render(terms.DefaultSettings(name)); err != nil {
			return nil, nil // the format can't say it: there is none to publish
		}
	}
	return slices.DeleteFunc([][]byte{d.Served, d.Waiting}, func(d []byte) bool { return d == nil }), nil
}

// publicAddresses are those by which everybody reaches this machine, as far as it knows
// them: behind a router or a proxy it doesn't.
func publicAddresses(process configuration) (all []netip.Addr) {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	listens, err := netip.ParseAddr(process.Listen.Host)
	everywhere := err == nil && listens.IsUnspecified() || process.Listen.Host == ""
	for _, a := range interfaces {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		ip := p.Addr().Unmap()
		to := netip.AddrPortFrom(ip, process.Listen.Port)
		if (everywhere || ip == listens.Unmap()) && (probe.DialPolicy{}).Permits(to) == nil {
			all = append(all, ip)
		}
	}
	return all
}
