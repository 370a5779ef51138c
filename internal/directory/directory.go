package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Options configure a Directory. Only Store is required.
type Options struct {
	Store Store
	// Sources are the sources of accounts, in the order in which they are asked.
	Sources []SourceOptions
	// MaxEntries bounds the accounts in each cache; 50,000 if 0.
	MaxEntries int
	// Logger is slog.Default if nil.
	Logger *slog.Logger
	// Now is time.Now if nil.
	Now func() time.Time
	// Sleep delays answers of sources; time.Sleep if nil.
	Sleep func(time.Duration)
	// Tick triggers the polls for changes in Run; four times a second if nil.
	Tick <-chan time.Time
}

const (
	defaultEntries = 50_000
	maxDomains     = 100_000
)

// ownLifetimes apply to answers of our own database, which are fresh until something
// changes. A request that has an older answer waits at most a second for a newer one.
var ownLifetimes = lifetimes{stale: 24 * time.Hour, patience: time.Second, timeout: 5 * time.Second}

// Directory looks up domains and accounts. It is safe for concurrent use.
type Directory struct {
	store   Store
	logger  *slog.Logger
	now     func() time.Time
	tick    <-chan time.Time
	own     *upstream
	refresh refreshes
	domains *cache[*Entry]
	// planned are domains that only a source knows, with one of our plans.
	planned  *cache[*Entry]
	accounts *cache[Kept]
	digests  *cache[Kept]
	// indexed is what we keep under addresses that were found in a source's digest index.
	indexed   *cache[Kept]
	uniform   *cache[bool]
	pacc      *cache[[]byte]
	sources   []*source
	offers    *offers
	templates *templates
}

// New returns a Directory. Run keeps it up to date.
func New(o Options) *Directory {
	if o.MaxEntries == 0 {
		o.MaxEntries = defaultEntries
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	own := &upstream{
		lifetimes: ownLifetimes,
		now:       o.Now,
		logger:    o.Logger,
		state:     health{lastSuccess: o.Now()},
	}
	d := &Directory{
		store:     o.Store,
		logger:    o.Logger,
		now:       o.Now,
		tick:      o.Tick,
		own:       own,
		domains:   newCache[*Entry](own, maxDomains),
		planned:   newCache[*Entry](own, maxDomains),
		accounts:  newCache[Kept](own, o.MaxEntries),
		digests:   newCache[Kept](own, o.MaxEntries),
		indexed:   newCache[Kept](own, o.MaxEntries),
		uniform:   newCache[bool](own, maxDomains),
		pacc:      newCache[[]byte](own, maxDomains),
		offers:    newOffers(),
		templates: newTemplates(maxTemplates),
	}
	for _, source := range o.Sources {
		d.sources = append(d.sources, newSource(source, o))
	}
	return d
}

// Domain finds a domain by its primary name or an alias (ASCII, lower case), first in
// our own database, then in the sources that know domains. [ErrNotFound] means that it
// isn't served.
func (d *Directory) Domain(ctx context.Context, name string) (*Entry, error) {
	entry, fresh, err := d.domains.fresh(name)
	if fresh && err == nil {
		return entry, nil
	}
	name = strings.Clone(name) // it may be a substring of a long request
	if !fresh {
		entry, err = d.ownDomain(ctx, name)
	}
	if !errors.Is(err, ErrNotFound) {
		return entry, err
	}
	missing := ErrNotFound
	for _, s := range d.sources {
		found, err := s.domain(ctx, name)
		switch {
		case err == nil && found.Plan == "": // no plan, so no servers; another source may have one
			missing = Planless{Domain: name, Source: s.Name}
		case err == nil:
			return d.plannedDomain(ctx, name, s.Name, found)
		case !errors.Is(err, ErrNotFound):
			return nil, s.named(err)
		}
	}
	return nil, missing
}

// ownDomain finds a domain of our own database.
func (d *Directory) ownDomain(ctx context.Context, name string) (*Entry, error) {
	return d.domains.get(ctx, name, func(ctx context.Context) (*Entry, error) {
		terms, err := d.store.Terms(ctx, name)
		if err != nil {
			return nil, err
		}
		return d.newEntry(name, terms), nil
	})
}

// plannedDomain is a domain that a source knows, with one of our plans.
func (d *Directory) plannedDomain(ctx context.Context, name, source string, found SourceDomain) (*Entry, error) {
	return d.planned.get(ctx, name+" "+found.Name+" "+found.Plan, func(ctx context.Context) (*Entry, error) {
		domain := policy.Domain{Name: found.Name, Plan: found.Plan}
		if name != found.Name {
			// An alias of a domain of ours is that domain, whatever plan the source names.
			terms, err := d.store.Terms(ctx, found.Name)
			if !errors.Is(err, ErrNotFound) {
				if err != nil {
					return nil, err
				}
				aliased := *terms
				aliased.Aliases = append(slices.Clone(terms.Aliases), strings.Clone(name))
				return d.newEntry(name, &aliased), nil
			}
			domain.Aliases = []string{strings.Clone(name)}
		}
		terms, err := d.store.PlanTerms(ctx, domain)
		if err != nil {
			return nil, fmt.Errorf("the domain %s, which the source %s knows: %w", found.Name, source, err)
		}
		return d.newEntry(name, terms), nil
	})
}

// Found is what is known of an address.
type Found struct {
	// Entry is the domain that was typed.
	Entry *Entry
	// Home is the mailbox's domain, which differs from Entry if the address is an
	// alias of a mailbox in another domain.
	Home *Entry
	// Account is the mailbox's, with its override applied. If it isn't known, only its
	// address is set.
	Account policy.Account
	Known   bool
	// Source is the source of the account: "" for our own database.
	Source string
	// Override is the override that was applied.
	Override policy.Override
	// Named is the address whose digest was sent; zero if none was.
	Named settings.Address
}

// Personal returns the settings of the person, and the domain whose terms decided them.
func (f Found) Personal(typed settings.Address) (settings.Settings, *Entry) {
	return f.Home.Terms.Settings(typed, f.Account), f.Home
}

// Public returns the settings that anybody may ask for, and the domain whose terms
// decided them. If either domain publishes only its default, an alias isn't followed to
// another domain.
func (f Found) Public(typed settings.Address) (settings.Settings, *Entry) {
	if f.hidden() {
		return f.Entry.Terms.DefaultFor(typed), f.Entry
	}
	return f.Home.Terms.PublicSettings(typed, f.Account), f.Home
}

// Digested returns the settings for a program that sent a digest, and the domain whose
// terms decided them.
func (f Found) Digested(standIn settings.Address) (settings.Settings, *Entry) {
	if f.hidden() {
		return f.Entry.Terms.DigestSettings(standIn), f.Entry
	}
	return f.Home.Terms.NamedSettings(standIn, f.Named, f.Account), f.Home
}

func (f Found) hidden() bool {
	quiet := func(e *Entry) bool { return e.Terms.PublicAnswers == policy.PublicDefault }
	return f.Home != f.Entry && (quiet(f.Entry) || quiet(f.Home))
}

// Uniform reports whether everybody in the domain gets its default: neither a rule nor
// an account decides otherwise. It is false where sources may have accounts.
func (d *Directory) Uniform(ctx context.Context, entry *Entry) (bool, error) {
	sources, err := d.sourcesOf(entry.Terms)
	if err != nil || len(sources) > 0 || len(entry.Terms.Policy.Rules) > 0 {
		return false, err
	}
	return d.uniform.get(ctx, entry.Terms.Name, func(ctx context.Context) (bool, error) {
		own, err := d.store.HasOwn(ctx, entry.Terms.Name)
		return !own, err
	})
}

// Document returns the PACC document that is served for the entry's name, or
// [ErrNotFound]. Callers must not change the bytes.
func (d *Directory) Document(ctx context.Context, entry *Entry) ([]byte, error) {
	return d.pacc.get(ctx, entry.Name, func(ctx context.Context) ([]byte, error) {
		return d.store.Document(ctx, entry.Name)
	})
}

// SourceNames are the names of the sources, in the order in which they are asked.
func (d *Directory) SourceNames() []string {
	var names []string
	for _, s := range d.sources {
		names = append(names, s.Name)
	}
	return names
}

// HasSources reports whether sources may have accounts of the domain.
func (d *Directory) HasSources(t *policy.Terms) bool {
	sources, err := d.sourcesOf(t)
	return err == nil && len(sources) > 0
}
