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

// Options are what a Directory needs. Zero values are good but for Store.
type Options struct {
	Store Store
	// Sources are where accounts are kept elsewhere, in the order in which they
	// are asked.
	Sources []SourceOptions
	// MaxEntries bounds the accounts in each cache; 50,000 if 0.
	MaxEntries int
	// Logger is slog.Default if nil.
	Logger *slog.Logger
	// Now is time.Now if nil.
	Now func() time.Time
	// Sleep holds answers of the sources up; time.Sleep if nil.
	Sleep func(time.Duration)
	// Tick gives the times at which Run asks for changes; four times a second if
	// nil.
	Tick <-chan time.Time
}

const (
	defaultEntries = 50_000
	maxDomains     = 100_000
)

// ownLife is that of answers of our own database: an answer is good until
// anything changes. Where it has an older one, a request waits for a second, in
// which a change must be served.
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
	// planned are domains that are kept elsewhere, with one of our plans.
	planned  *cache[*Entry]
	accounts *cache[Kept]
	digests  *cache[Kept]
	// indexed is what is kept under an address that a source's index of digests led to.
	indexed   *cache[Kept]
	uniform   *cache[bool]
	pacc      *cache[[]byte]
	sources   []*source
	offers    *offers
	templates *templates
}

// New prepares a Directory.
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
	own := &upstream{lifetimes: ownLifetimes, now: o.Now, logger: o.Logger, state: health{lastSuccess: o.Now()}}
	d := &Directory{store: o.Store, logger: o.Logger, now: o.Now, tick: o.Tick, own: own, offers: newOffers(), templates: newTemplates(maxTemplates)}
	d.domains = newCache[*Entry](own, maxDomains)
	d.planned = newCache[*Entry](own, maxDomains)
	d.accounts = newCache[Kept](own, o.MaxEntries)
	d.digests = newCache[Kept](own, o.MaxEntries)
	d.indexed = newCache[Kept](own, o.MaxEntries)
	d.uniform = newCache[bool](own, maxDomains)
	d.pacc = newCache[[]byte](own, maxDomains)
	for _, source := range o.Sources {
		d.sources = append(d.sources, newSource(source, o))
	}
	return d
}

// Domain finds a domain by its primary name or an alias (ASCII, lower case), in our
// own site first and then in the sources that know domains. [ErrNotFound] means
// that it isn't served.
func (d *Directory) Domain(ctx context.Context, name string) (*Entry, error) {
	entry, fresh, err := d.domains.fresh(name)
	if fresh && err == nil {
		return entry, nil
	}
	name = strings.Clone(name) // it may be a part of a long request
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
		case err == nil && found.Plan == "": // it says no servers, and nobody does for it
			missing = Planless{Domain: name, Source: s.Name}
		case err == nil:
			return d.plannedDomain(ctx, name, s.Name, found)
		case !errors.Is(err, ErrNotFound):
			return nil, s.named(err)
		}
	}
	return nil, missing
}

// ownDomain is a domain of our own site.
func (d *Directory) ownDomain(ctx context.Context, name string) (*Entry, error) {
	return d.domains.get(ctx, name, func(ctx context.Context) (*Entry, error) {
		terms, err := d.store.Terms(ctx, name)
		if err != nil {
			return nil, err
		}
		return d.newEntry(name, terms), nil
	})
}

// plannedDomain is a domain that is kept elsewhere.
func (d *Directory) plannedDomain(ctx context.Context, name, source string, found SourceDomain) (*Entry, error) {
	return d.planned.get(ctx, name+" "+found.Name+" "+found.Plan, func(ctx context.Context) (*Entry, error) {
		domain := policy.Domain{Name: found.Name, Plan: found.Plan}
		if name != found.Name {
			// Another name of a domain of ours is that domain, whatever plan the source has.
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
	// Home is the domain of the mailbox: another one where the address is an alias of
	// a mailbox elsewhere.
	Home *Entry
	// Account is the mailbox's, with its override laid over it; of one that isn't
	// known it has nothing but the address.
	Account policy.Account
	Known   bool
	// Source is where the account is kept: "" for our own database.
	Source string
	// Override is what is laid over it.
	Override policy.Override
	// Named is the address that a digest named; zero where there was none.
	Named settings.Address
}

// Personal are the settings of the person, and the domain whose terms they come
// from.
func (f Found) Personal(typed settings.Address) (settings.Settings, *Entry) {
	return f.Home.Terms.Settings(typed, f.Account), f.Home
}

// Public are the settings that anybody may ask for, and the domain whose terms
// they come from. Where either domain shows only its default, no alias leads
// across.
func (f Found) Public(typed settings.Address) (settings.Settings, *Entry) {
	if f.hidden() {
		return f.Entry.Terms.DefaultFor(typed), f.Entry
	}
	return f.Home.Terms.PublicSettings(typed, f.Account), f.Home
}

// Digested are the settings for a program that named the account by a digest, and
// the domain whose terms they come from.
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

// Uniform tells whether everybody in the domain gets its default: no rule of it
// and no account decides otherwise. Of accounts that are kept elsewhere nobody
// can say so.
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

// Document finds the PACC document that is served for the entry's name;
// [ErrNotFound] means that there is none. Callers must not change the bytes.
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

// HasSources tells whether accounts of the domain may be kept in sources.
func (d *Directory) HasSources(t *policy.Terms) bool {
	sources, err := d.sourcesOf(t)
	return err == nil && len(sources) > 0
}
