package ldapdir

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

const (
	// maxMatches limits the entries that are read for one address.
	maxMatches = 8
	// pageEntries is the number of entries on a page.
	pageEntries = 500
	// pageTimeouts is the number of timeouts that a page of Walk may take.
	pageTimeouts = 5
	// maxPages limits the pages of Walk, maxSearchPages those of Search for each
	// maxDomains domains.
	maxPages, maxSearchPages, maxDomains = 100_000, 20, 100
	// maxEmpty limits consecutive empty pages.
	maxEmpty = 10
	// maxSearchText limits the text of a search, in bytes. No attribute is longer.
	maxSearchText = 256
)

// Source is a directory server, or several servers with the same content. It is safe for
// concurrent use.
type Source struct {
	options Options
	*prepared
	pool     *pool
	now      func() time.Time
	counters counters
}

var _ directory.Source = (*Source)(nil)

type counters struct{ asked, ambiguous, badAddress, badLogin, unnamed, dropped atomic.Int64 }

// Stats counts what was found since the start and couldn't be used.
type Stats struct {
	// Connections is the number of open connections.
	Connections int
	// Ambiguous counts look-ups that found several entries, none or several of which have
	// the address as the primary one.
	Ambiguous int64
	// BadAddress and BadLogin count entries whose primary address or login is invalid, each
	// time that they are found.
	BadAddress, BadLogin int64
	// Unnamed counts entries that the server found for an address which is in none of their
	// attributes.
	Unnamed int64
	// Dropped counts other invalid values.
	Dropped int64
}

// Open prepares a Source, or returns everything that is wrong with the options. It doesn't
// connect; the first call does, or [Source.Ping].
func Open(o Options) (*Source, error) {
	p, err := o.prepare()
	if err != nil {
		return nil, err
	}
	d := &Source{options: o, prepared: p, pool: newPool(max(o.Connections, leastConnections)), now: o.Now}
	if d.now == nil {
		d.now = time.Now
	}
	return d, nil
}

// Close closes all connections, including those in use.
func (d *Source) Close() error {
	d.pool.shut()
	return nil
}

// Stats returns the counters.
func (d *Source) Stats() Stats {
	return Stats{
		Connections: d.pool.size(),
		Ambiguous:   d.counters.ambiguous.Load(),
		BadAddress:  d.counters.badAddress.Load(),
		BadLogin:    d.counters.badLogin.Load(),
		Unnamed:     d.counters.unnamed.Load(),
		Dropped:     d.counters.dropped.Load(),
	}
}

func (d *Source) timely(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d.options.Timeout)
}

// errAmbiguous ends a look-up.
var errAmbiguous error = directory.Discarded{Why: "several entries have it, and none or several of them as the " +
	"mailbox's own address: the filter must find one", Fault: true}

// Account finds the account of an address; see [directory.Source].
func (d *Source) Account(ctx context.Context, address settings.Address) (policy.Account, error) {
	ctx, cancel := d.timely(ctx)
	defer cancel()
	var account policy.Account
	err := d.call(ctx, func(ctx context.Context, c *conn) (err error) {
		account, err = d.account(ctx, c, address)
		return err
	})
	if errors.Is(err, errAmbiguous) {
		d.counters.ambiguous.Add(1)
		err = directory.ErrNotFound
	}
	return account, err
}

func (d *Source) account(ctx context.Context, c *conn, address settings.Address) (policy.Account, error) {
	entries, more, err := d.matches(ctx, c, d.filters.account, address)
	if err != nil {
		return policy.Account{}, err
	}
	account, err := d.choose(entries, more, address)
	if d.filters.alias == nil || err != nil && !errors.Is(err, directory.ErrNotFound) {
		return account, err
	}
	// An alias counts only if it leads to one mailbox. It is searched for even if a mailbox
	// was found, so that response times don't reveal that.
	entries, more, failed := d.matches(ctx, c, d.filters.alias, address)
	switch {
	case err == nil, errors.Is(err, errAmbiguous):
		return account, err
	case failed != nil:
		return policy.Account{}, failed
	case len(entries) == 0:
		return policy.Account{}, err
	}
	target, err := d.target(entries, more, address)
	if err != nil {
		return policy.Account{}, err
	}
	if entries, more, err = d.matches(ctx, c, d.filters.account, target); err != nil {
		return policy.Account{}, err
	}
	if len(entries) == 0 {
		return policy.Account{}, directory.Discarded{Why: "it is an alias of an address that is no mailbox here"}
	}
	return d.choose(entries, more, target)
}

// matches returns the entries that a filter finds for an address. more reports that there
// are too many.
func (d *Source) matches(
	ctx context.Context, c *conn, filter *template, address settings.Address,
) ([]*ldap.Entry, bool, error) {
	d.counters.asked.Add(1)
	result, more, err := c.search(ctx, fewBytes, &ldap.SearchRequest{
		BaseDN: d.options.Base, Scope: d.scope, SizeLimit: maxMatches,
		Filter: filter.fillForms(address.Domain(), func(name, domain string) string {
			switch name {
			case "local":
				return settings.LocalKey(address.Local())
			case "domain":
				return domain
			}
			return address.WithDomain(domain).Key()
		}),
		Attributes: d.accountAttributes,
	})
	if err != nil {
		return nil, false, err
	}
	return result.Entries, more, nil
}

// choose returns the only entry with the address, or the only one with it as its primary
// address.
func (d *Source) choose(entries []*ldap.Entry, more bool, address settings.Address) (policy.Account, error) {
	type match struct {
		account policy.Account
		entry   *ldap.Entry
	}
	var all, primary []match
	var why error = directory.ErrNotFound
	for _, e := range entries {
		account, err := d.read(e)
		switch {
		case err != nil:
			why = worse(why, err)
			continue
		case account.Address.Same(address):
			primary = append(primary, match{account, e})
		case !slices.ContainsFunc(account.Addresses, address.Same):
			d.counters.unnamed.Add(1)
			why = worse(why, d.unnamed(e, address))
			continue
		}
		all = append(all, match{account, e})
	}
	var one match
	switch {
	case more, len(all) > 1 && len(primary) != 1:
		return policy.Account{}, errAmbiguous
	case len(all) == 0:
		return policy.Account{}, why
	case len(primary) == 1:
		one = primary[0]
	default:
		one = all[0]
	}
	if err := d.fill(&one.account, one.entry); err != nil {
		return policy.Account{}, err
	}
	return one.account, nil
}

// unnamed returns the reason why an entry that the server found for an address doesn't
// have it.
func (d *Source) unnamed(e *ldap.Entry, address settings.Address) error {
	if slices.ContainsFunc(d.named(e).fallbacks, address.Same) {
		return directory.Discarded{Why: "an entry has it in " + strings.Join(d.addressNames[1:], ", ") +
			", which doesn't count where there are other addresses: a mailbox's are in " +
			strings.Join(unrepeated([]string{d.addressNames[0], d.options.Attributes.Addresses}), ", ")}
	}
	return directory.Discarded{Why: "an entry was found that hasn't the address in the attributes for addresses (" +
		strings.Join(d.allAddressNames, ", ") + ")", Fault: true}
}

// worse returns the more informative of two reasons.
func worse(before, now error) error {
	var b, n directory.Discarded
	if errors.As(before, &b) && (b.Fault || !errors.As(now, &n) || !n.Fault) {
		return before
	}
	return now
}

// target returns the only address to which an alias leads.
func (d *Source) target(entries []*ldap.Entry, more bool, address settings.Address) (settings.Address, error) {
	if more || len(entries) > 1 {
		return settings.Address{}, errAmbiguous
	}
	targets := map[string]settings.Address{}
	var why error = directory.Discarded{Why: "it is an alias that leads nowhere", Fault: true}
	for _, e := range entries {
		account, err := d.read(e)
		if err != nil {
			return settings.Address{}, err
		}
		if !account.Address.Same(address) && !slices.ContainsFunc(account.Addresses, address.Same) {
			d.counters.unnamed.Add(1)
			why = d.unnamed(e, address)
			continue
		}
		for _, value := range d.values(e, d.options.Attributes.Target) {
			m, other, err := parseMailAddress(value)
			if other || err != nil {
				// It also leads elsewhere, such as to a program.
				return settings.Address{}, directory.Discarded{Why: "it is an alias that leads to something else than an address"}
			}
			targets[m.address.Key()] = m.address
		}
	}
	for _, target := range targets {
		if len(targets) == 1 {
			return target, nil
		}
		why = directory.Discarded{Why: "it is an alias of several addresses"}
	}
	return settings.Address{}, why
}

// Ping reads the entry of the base.
func (d *Source) Ping(ctx context.Context) error {
	ctx, cancel := d.timely(ctx)
	defer cancel()
	return d.call(ctx, func(ctx context.Context, c *conn) error {
		_, _, err := c.search(ctx, fewBytes, &ldap.SearchRequest{
			BaseDN: d.options.Base, Scope: ldap.ScopeBaseObject, SizeLimit: 1, Filter: "(objectClass=*)", Attributes: wanted(),
		})
		return err
	})
}
