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
	// maxMatches bounds the entries that may have one address.
	maxMatches = 8
	// pageEntries is how many entries are asked for at once.
	pageEntries = 500
	// pageTimeouts is how many timeouts a page of Walk may take.
	pageTimeouts = 5
	// maxPages bounds the pages of Walk, maxSearchPages those of Search for each
	// maxDomains domains.
	maxPages, maxSearchPages, maxDomains = 100_000, 20, 100
	// maxEmpty bounds the pages in a row that have nothing on them.
	maxEmpty = 10
	// maxSearchText bounds what is searched for, in bytes. Nothing has more.
	maxSearchText = 256
)

// Source is a directory server, or several with the same content. It is safe
// for concurrent use.
type Source struct {
	options Options
	*prepared
	pool     *pool
	now      func() time.Time
	counters counters
}

var _ directory.Source = (*Source)(nil)

type counters struct{ asked, ambiguous, badAddress, badLogin, unnamed, dropped atomic.Int64 }

// Stats count what was found and couldn't be used since the start.
type Stats struct {
	// Connections are open now.
	Connections int
	// Ambiguous look-ups have found several entries, none or several of which have
	// the address as the primary one.
	Ambiguous int64
	// BadAddress and BadLogin count entries whose primary address or login can't be
	// used, each time that they are found.
	BadAddress, BadLogin int64
	// Unnamed counts entries that the server has found for an address and that don't
	// have it in the attributes with addresses.
	Unnamed int64
	// Dropped counts other values that can't be used.
	Dropped int64
}

// Open prepares a Source, and says all that is wrong with the options. It
// doesn't connect: that is for the first call, or [Source.Ping].
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

// Close ends all connections, also those in use.
func (d *Source) Close() error {
	d.pool.shut()
	return nil
}

// Stats are the counters.
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

// errAmbiguous ends the look-up.
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
	// An alias' entry leads to one mailbox, or it doesn't count. It is looked for where
	// there is a mailbox as well: the time must not tell.
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

// matches are the entries that a filter finds for an address; more tells that there
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

// choose takes the only entry that has the address, or the only one that has it as
// its primary one.
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

// unnamed is why an entry that the server has found for an address isn't that one's.
func (d *Source) unnamed(e *ldap.Entry, address settings.Address) error {
	if slices.ContainsFunc(d.named(e).fallbacks, address.Same) {
		return directory.Discarded{Why: "an entry has it in " + strings.Join(d.addressNames[1:], ", ") +
			", which doesn't count where there are other addresses: a mailbox's are in " +
			strings.Join(unrepeated([]string{d.addressNames[0], d.options.Attributes.Addresses}), ", ")}
	}
	return directory.Discarded{Why: "an entry was found that hasn't the address in the attributes for addresses (" +
		strings.Join(d.allAddressNames, ", ") + ")", Fault: true}
}

// worse is the one of two reasons that says more.
func worse(before, now error) error {
	var b, n directory.Discarded
	if errors.As(before, &b) && (b.Fault || !errors.As(now, &n) || !n.Fault) {
		return before
	}
	return now
}

// target is the only address that an alias leads to.
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
				// It leads somewhere else as well, such as into a program.
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

// Ping reads the base's entry.
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
