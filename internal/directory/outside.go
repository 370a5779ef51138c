package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Outside is a place outside of our own database where accounts are kept: a
// panel's database, a directory server. It is only ever read. It must be safe for
// concurrent use, and end each call when its context does. Errors other than
// [ErrNotFound] mean that it couldn't be asked.
type Outside interface {
	// Account finds the account that an address leads to, be it the mailbox's own or
	// an alias of it. The address is in the form of settings.Address.Key. The
	// account's Address is the mailbox's primary one, which may be in another domain.
	// An account that is disabled, a catch-all, and an alias that leads to several
	// mailboxes or to none of this source are ErrNotFound.
	Account(ctx context.Context, address settings.Address) (policy.Account, error)
	// Domain finds a domain that the source serves, by its primary name or an alias
	// (ASCII, lower case). A source that knows no domains says ErrNotFound.
	Domain(ctx context.Context, name string) (OutsideDomain, error)
	// Search finds at most limit accounts with the text anywhere in their address or
	// name, in any ASCII letter case, within domains (nil for all).
	Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error)
	// Walk calls each for every account with its addresses, for an index of digests;
	// an error of each ends it and is returned. Of the account only the addresses
	// need to be set.
	Walk(ctx context.Context, each func(policy.Account) error) error
	// Ping tells whether it can be asked now.
	Ping(ctx context.Context) error
	// Close ends its connections.
	Close() error
}

// OutsideDomain is what a source says of a domain that our own site doesn't have.
type OutsideDomain struct {
	Name string // the primary name
	// Plan is the plan that it has; "" for the one that is configured for the source,
	// without which it isn't served.
	Plan string
}

// Planless is [ErrNotFound] of a domain that a source knows without a plan.
type Planless struct{ Domain, Source string }

func (p Planless) Error() string {
	return "the source " + p.Source + " knows the domain " + p.Domain + ", but no plan for it"
}

// Is makes it an answer like any domain's that isn't served.
func (p Planless) Is(target error) bool { return target == ErrNotFound }

// OutsideSource is a source with how it is asked. Zero times are the defaults.
type OutsideSource struct {
	// Name is what the operator calls it.
	Name    string
	Outside Outside
	// Plan is the plan of its domains that name none.
	Plan string
	// Fresh is how long an answer is good: one minute. For accounts it is the same
	// whether they are there or not, so that time doesn't tell which; it is short, so
	// that a mailbox that was just made is served soon. Missing is how long a domain is
	// believed not to be there: as long. Stale is how long an answer serves on while
	// the source is down: a day.
	Fresh, Missing, Stale time.Duration
	// Timeout bounds one question: two seconds.
	Timeout time.Duration
	// Digests bounds how many addresses are kept for programs that send a digest; 0
	// for none. DigestsEvery is how often they are read anew: an hour.
	Digests      int
	DigestsEvery time.Duration
}

// outside is a source with what is known from it.
type outside struct {
	OutsideSource
	*origin
	accounts *cache[policy.Account]
	// indexed are accounts that the index of digests led to.
	indexed *cache[policy.Account]
	domains *cache[OutsideDomain]
	index   atomic.Pointer[digestIndex]
}

// outsidePatience is how long a request waits for a fresh answer of a source where
// it has one that is no longer fresh.
const outsidePatience = 300 * time.Millisecond

func newOutside(source OutsideSource, options Options) *outside {
	o := &outside{OutsideSource: source}
	o.Fresh = cmp.Or(o.Fresh, time.Minute)
	o.Missing = cmp.Or(o.Missing, time.Minute)
	o.Stale = cmp.Or(o.Stale, 24*time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	o.DigestsEvery = cmp.Or(o.DigestsEvery, time.Hour)
	o.origin = &origin{
		name: source.Name, now: options.Now, sleep: options.Sleep, logger: options.Logger, good: options.Now(),
		life: life{fresh: o.Fresh, stale: o.Stale, patience: outsidePatience, timeout: o.Timeout},
	}
	o.accounts = newCache[policy.Account](o.origin, options.MaxEntries)
	o.indexed = newCache[policy.Account](o.origin, options.MaxEntries)
	o.accounts.held, o.indexed.held = true, true
	o.domains = newCache[OutsideDomain](o.origin, maxDomains)
	o.domains.missing = o.Missing
	return o
}

func (o *outside) account(ctx context.Context, address settings.Address) (policy.Account, error) {
	return o.accounts.get(ctx, address.Key(), func(ctx context.Context) (policy.Account, error) {
		return o.Outside.Account(ctx, address)
	})
}

func (o *outside) domain(ctx context.Context, name string) (OutsideDomain, error) {
	found, err := o.domains.get(ctx, name, func(ctx context.Context) (OutsideDomain, error) {
		return o.Outside.Domain(ctx, name)
	})
	found.Plan = cmp.Or(found.Plan, o.Plan)
	return found, err
}

// named says whose error it is.
func (o *outside) named(err error) error { return fmt.Errorf("the source %s: %w", o.Name, err) }

// sourcesOf are the sources that are asked for a domain's accounts: those that it
// names, or all. One that isn't configured is [ErrUnusable]: without it, nobody
// knows what an account has.
func (d *Directory) sourcesOf(t *policy.Terms) ([]*outside, error) {
	if t.Sources == nil {
		return d.outside, nil
	}
	var named []*outside
	for _, name := range t.Sources {
		i := slices.IndexFunc(d.outside, func(o *outside) bool { return o.Name == name })
		if i < 0 {
			err := fmt.Errorf("%w: the domain %s names the source %q, which is not configured", ErrUnusable, t.Name, name)
			d.own.unusable(err)
			return nil, err
		}
		named = append(named, d.outside[i])
	}
	return named, nil
}

// ping asks the source whether it can be asked.
func (o *outside) ping(ctx context.Context) {
	if err := o.enter(); err != nil {
		return
	}
	defer o.leave()
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if err := o.Outside.Ping(ctx); err == nil {
		o.reached()
	} else if !errors.Is(err, context.Canceled) {
		o.unreachable(err)
	}
}
