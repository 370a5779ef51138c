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

// Source is an external source of accounts: a panel's database, a directory server. It
// is only read. Implementations must be safe for concurrent use, and end each call when
// its context does. Errors other than [ErrNotFound] mean that it couldn't be asked.
type Source interface {
	// Account finds the account of a mailbox's primary address or an alias. The address
	// is in the form of settings.Address.Key. The account's Address is the primary one,
	// which may be in another domain. Disabled accounts, catch-alls, and aliases that
	// lead to several mailboxes or to none of this source are ErrNotFound.
	Account(ctx context.Context, address settings.Address) (policy.Account, error)
	// Domain finds a served domain by its primary name or an alias (ASCII, lower case).
	// A source that doesn't know domains returns ErrNotFound.
	Domain(ctx context.Context, name string) (SourceDomain, error)
	// Domains calls each for every name of a served domain, aliases included, reading
	// them page by page; an error of each ends it and is returned. A source that can't
	// list them returns errors.ErrUnsupported.
	Domains(ctx context.Context, each func(SourceName) error) error
	// Search finds up to limit accounts whose address or name contains the text, in any
	// ASCII letter case, within domains (nil for all).
	Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error)
	// Walk calls each for every account, for the digest index; an error of each ends it
	// and is returned. Only the account's addresses have to be set.
	Walk(ctx context.Context, each func(policy.Account) error) error
	// Ping reports whether the source can be asked now.
	Ping(ctx context.Context) error
	// Close closes its connections.
	// Close ends its connections.
	Close() error
}

// SourceDomain is what a source knows of a domain.
type SourceDomain struct {
	Name string // the primary name
	// Plan is the domain's plan; "" for the one that is configured for the source. A
	// domain without either isn't served.
	Plan string
}

// SourceName is one name of a domain that a source serves.
type SourceName struct {
	Name   string // the primary name, or an alias (ASCII, lower case)
	Domain SourceDomain
}

// Planless is the [ErrNotFound] of a domain that a source knows without a plan.
type Planless struct{ Domain, Source string }

func (p Planless) Error() string {
	return "the source " + p.Source + " knows the domain " + p.Domain + ", but no plan for it"
}

// Is makes it equal to [ErrNotFound].
func (p Planless) Is(target error) bool { return target == ErrNotFound }

// Discarded is the [ErrNotFound] of an address for which a source has a record that isn't
// a usable account. Only the operator sees the difference.
type Discarded struct {
	// Why is the reason, without an address.
	Why string
	// Fault is set if the record was meant to be an account; not for a disabled account
	// or an alias of several mailboxes.
	Fault bool
}

func (d Discarded) Error() string { return d.Why }

// Is makes it equal to [ErrNotFound].
func (d Discarded) Is(target error) bool { return target == ErrNotFound }

// SourceOptions are a source and how to use it. Zero durations mean the defaults.
type SourceOptions struct {
	// Name is the operator's name for it.
	Name   string
	Source Source
	// Plan is the plan of domains for which the source names none.
	Plan string
	// Fresh is the cache time of an answer; one minute. For accounts it applies whether
	// they exist or not, so that times don't reveal it; it is short, so that a new
	// mailbox is served soon. Missing is the cache time of domains that don't exist; one
	// minute. Stale is how long an answer is served while the source is down; a day.
	Fresh, Missing, Stale time.Duration
	// Timeout bounds one question; two seconds.
	Timeout time.Duration
	// Digests is the size of the digest index in addresses; 0 for no index.
	// DigestsEvery is how often it is rebuilt; an hour.
	Digests      int
	DigestsEvery time.Duration
	// DomainsEvery is how often its domains are listed; [DefaultDomainsEvery].
	DomainsEvery time.Duration
}

// DefaultDomainsEvery is how often a source's domains are listed.
const DefaultDomainsEvery = 10 * time.Minute

// source is a source with its health and caches.
type source struct {
	SourceOptions
	*upstream
	accounts *cache[policy.Account]
	// indexed are accounts that were found in the digest index.
	indexed *cache[policy.Account]
	domains *cache[SourceDomain]
	index   atomic.Pointer[digestIndex]
}

// sourcePatience is how long a request that has an expired answer waits for a fresh one.
const sourcePatience = 300 * time.Millisecond

func newSource(o SourceOptions, options Options) *source {
	s := &source{SourceOptions: o}
	s.Fresh = cmp.Or(s.Fresh, time.Minute)
	s.Missing = cmp.Or(s.Missing, time.Minute)
	s.Stale = cmp.Or(s.Stale, 24*time.Hour)
	s.Timeout = cmp.Or(s.Timeout, 2*time.Second)
	s.DigestsEvery = cmp.Or(s.DigestsEvery, time.Hour)
	s.upstream = &upstream{
		name:   o.Name,
		now:    options.Now,
		sleep:  options.Sleep,
		logger: options.Logger,
		state:  health{lastSuccess: options.Now()},
		lifetimes: lifetimes{
			fresh:    s.Fresh,
			stale:    s.Stale,
			patience: sourcePatience,
			timeout:  s.Timeout,
		},
	}
	s.accounts = newCache[policy.Account](s.upstream, options.MaxEntries)
	s.indexed = newCache[policy.Account](s.upstream, options.MaxEntries)
	s.accounts.held = true
	s.indexed.held = true
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

// named adds the source's name to an error.
func (s *source) named(err error) error { return fmt.Errorf("the source %s: %w", s.Name, err) }

// sourcesOf are the sources of a domain's accounts: those that it names, or all. Naming
// one that isn't configured is [ErrUnusable]: it might have the account.
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

// ping checks whether the source can be reached.
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
