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

// Source is a place outside of our own database where accounts are kept: a
// panel's database, a directory server. It is only ever read. It must be safe for
// concurrent use, and end each call when its context does. Errors other than
// [ErrNotFound] mean that it couldn't be asked.
type Source interface {
	// Account finds the account that an address leads to, be it the mailbox's own or
	// an alias of it. The address is in the form of settings.Address.Key. The
	// account's Address is the mailbox's primary one, which may be in another domain.
	// An account that is disabled, a catch-all, and an alias that leads to several
	// mailboxes or to none of this source are ErrNotFound.
	Account(ctx context.Context, address settings.Address) (policy.Account, error)
	// Domain finds a domain that the source serves, by its primary name or an alias
	// (ASCII, lower case). A source that knows no domains says ErrNotFound.
	Domain(ctx context.Context, name string) (SourceDomain, error)
	// Domains calls each for every name of a domain that it serves, aliases as well, a
	// page at a time; an error of each ends it and is returned. One that can't list them
	// says errors.ErrUnsupported.
	Domains(ctx context.Context, each func(SourceName) error) error
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

// SourceDomain is what a source says of a domain that our own site doesn't have.
type SourceDomain struct {
	Name string // the primary name
	// Plan is the plan that it has; "" for the one that is configured for the source,
	// without which it isn't served.
	Plan string
}

// SourceName is one name of a domain that a source serves.
type SourceName struct {
	Name   string // the primary name, or an alias (ASCII, lower case)
	Domain SourceDomain
}

// Planless is [ErrNotFound] of a domain that a source knows without a plan.
type Planless struct{ Domain, Source string }

func (p Planless) Error() string {
	return "the source " + p.Source + " knows the domain " + p.Domain + ", but no plan for it"
}

// Is makes it an answer like any domain's that isn't served.
func (p Planless) Is(target error) bool { return target == ErrNotFound }

// Discarded is [ErrNotFound] of an address under which a source has something that
// doesn't count as an account. It is for the operator alone: whoever asks for the
// address can't tell it from one that isn't there.
type Discarded struct {
	// Why says so, without an address.
	Why string
	// Fault means that somebody has meant it to count: it isn't set for a disabled
	// account or an alias of several mailboxes.
	Fault bool
}

func (d Discarded) Error() string { return d.Why }

// Is makes it an answer like any account's that isn't there.
func (d Discarded) Is(target error) bool { return target == ErrNotFound }

// SourceOptions are a source and how it is asked. Zero times are the defaults.
type SourceOptions struct {
	// Name is what the operator calls it.
	Name   string
	Source Source
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
	// DomainsEvery is how old the list of its domains may be; [DefaultDomainsEvery] if 0.
	DomainsEvery time.Duration
}

// DefaultDomainsEvery is how often a source's domains are listed.
const DefaultDomainsEvery = 10 * time.Minute

// source is one with what is known from it.
type source struct {
	SourceOptions
	*upstream
	accounts *cache[policy.Account]
	// indexed are accounts that the index of digests led to.
	indexed *cache[policy.Account]
	domains *cache[SourceDomain]
	index   atomic.Pointer[digestIndex]
}

// sourcePatience is how long a request waits for a fresh answer of a source where
// it has one that is no longer fresh.
const sourcePatience = 300 * time.Millisecond

func newSource(o SourceOptions, options Options) *source {
	s := &source{SourceOptions: o}
	s.Fresh = cmp.Or(s.Fresh, time.Minute)
	s.Missing = cmp.Or(s.Missing, time.Minute)
	s.Stale = cmp.Or(s.Stale, 24*time.Hour)
	s.Timeout = cmp.Or(s.Timeout, 2*time.Second)
	s.DigestsEvery = cmp.Or(s.DigestsEvery, time.Hour)
	s.upstream = &upstream{
		name: o.Name, now: options.Now, sleep: options.Sleep, logger: options.Logger, state: health{lastSuccess: options.Now()},
		lifetimes: lifetimes{fresh: s.Fresh, stale: s.Stale, patience: sourcePatience, timeout: s.Timeout},
	}
	s.accounts = newCache[policy.Account](s.upstream, options.MaxEntries)
	s.indexed = newCache[policy.Account](s.upstream, options.MaxEntries)
	s.accounts.held, s.indexed.held = true, true
	s.domains = newCache[SourceDomain](s.upstream, maxDomains)
	s.domains.missing = s.Missing
	return s
}

func (s *source) account(ctx context.Context, address settings.Address) (policy.Account, error) {
	return s.accounts.get(ctx, address.Key(), func(ctx context.Context) (policy.Account, error) {
		return s.Source.Account(ctx, address)
	})
}

func (s *source) domain(ctx context.Context, name string) (SourceDomain, error) {
	found, err := s.domains.get(ctx, name, func(ctx context.Context) (SourceDomain, error) {
		return s.Source.Domain(ctx, name)
	})
	found.Plan = cmp.Or(found.Plan, s.Plan)
	return found, err
}

// named says whose error it is.
func (s *source) named(err error) error { return fmt.Errorf("the source %s: %w", s.Name, err) }

// sourcesOf are the sources that are asked for a domain's accounts: those that it
// names, or all. One that isn't configured is [ErrUnusable]: without it, nobody
// knows what an account has.
func (d *Directory) sourcesOf(t *policy.Terms) ([]*source, error) {
	if t.Sources == nil {
		return d.sources, nil
	}
	var named []*source
	for _, name := range t.Sources {
		i := slices.IndexFunc(d.sources, func(s *source) bool { return s.Name == name })
		if i < 0 {
			err := fmt.Errorf("%w: the domain %s names the source %q, which is not configured", ErrUnusable, t.Name, name)
			d.own.complain(err)
			return nil, err
		}
		named = append(named, d.sources[i])
	}
	return named, nil
}

// ping asks the source whether it can be asked.
func (s *source) ping(ctx context.Context) {
	if err := s.enter(); err != nil {
		return
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if err := s.Source.Ping(ctx); err == nil {
		s.reached()
	} else if !errors.Is(err, context.Canceled) {
		s.unreachable(err)
	}
}
