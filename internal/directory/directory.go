package directory

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Options are what a Directory needs. Zero values are good but for Source.
type Options struct {
	Source Source
	// MaxEntries bounds the accounts in the cache; 100,000 if 0.
	MaxEntries int
	// Logger is slog.Default if nil.
	Logger *slog.Logger
	// Now is time.Now if nil.
	Now func() time.Time
	// Tick gives the times at which Run asks for changes; four times a second if
	// nil.
	Tick <-chan time.Time
}

const (
	defaultEntries = 100_000
	maxDomains     = 100_000
	pollEvery      = 250 * time.Millisecond
)

// Directory looks up domains and accounts. It is safe for concurrent use.
type Directory struct {
	source   Source
	logger   *slog.Logger
	now      func() time.Time
	tick     <-chan time.Time
	state    state
	domains  *cache[*Entry]
	accounts *cache[policy.Account]
	digests  *cache[policy.Account]
	uniform  *cache[bool]
	pacc     *cache[[]byte]
	offers   *offers
	forms    *forms
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
	d := &Directory{source: o.Source, logger: o.Logger, now: o.Now, tick: o.Tick, offers: newOffers(), forms: newForms(maxForms)}
	d.domains = newCache[*Entry](d, maxDomains)
	d.accounts = newCache[policy.Account](d, o.MaxEntries)
	d.digests = newCache[policy.Account](d, o.MaxEntries)
	d.uniform = newCache[bool](d, maxDomains)
	d.pacc = newCache[[]byte](d, maxDomains)
	return d
}

// Domain finds a domain by its primary name or an alias (ASCII, lower case).
// [ErrNotFound] means that it isn't served.
func (d *Directory) Domain(ctx context.Context, name string) (*Entry, error) {
	return d.domains.get(ctx, name, func(ctx context.Context) (*Entry, error) {
		terms, err := d.source.Domain(ctx, name)
		if err != nil {
			return nil, err
		}
		return d.newEntry(name, terms), nil
	})
}

// Lookup finds the account of a typed address in its domain: by the address
// itself, then without its tag. known is false, and the account has nothing but
// its address, where the source knows none; the steps are the same.
func (d *Directory) Lookup(ctx context.Context, entry *Entry, typed settings.Address) (account policy.Account, known bool, err error) {
	whole := entry.Terms.Primary(typed).Unquoted()
	mailbox := entry.Terms.Mailbox(typed)
	for _, address := range []settings.Address{whole, mailbox} {
		account, err = d.account(ctx, address.Key())
		switch {
		case err == nil:
			return account, true, nil
		case !errors.Is(err, ErrNotFound):
			return policy.Account{}, false, err
		case whole == mailbox:
			return entry.Terms.Unknown(typed), false, nil
		}
	}
	return entry.Terms.Unknown(typed), false, nil
}

func (d *Directory) account(ctx context.Context, key string) (policy.Account, error) {
	return d.accounts.get(ctx, key, func(ctx context.Context) (policy.Account, error) {
		return d.source.Account(ctx, key)
	})
}

// ByDigest finds the account whose address in the entry's domain has this MD5.
func (d *Directory) ByDigest(ctx context.Context, entry *Entry, digest string) (policy.Account, bool, error) {
	account, err := d.digests.get(ctx, entry.Name+" "+digest, func(ctx context.Context) (policy.Account, error) {
		return d.source.AccountByDigest(ctx, entry.Name, digest)
	})
	if errors.Is(err, ErrNotFound) {
		return policy.Account{}, false, nil
	}
	return account, err == nil, err
}

// Uniform tells whether everybody in the domain gets its default: no rule of it
// and no account decides otherwise.
func (d *Directory) Uniform(ctx context.Context, entry *Entry) (bool, error) {
	if len(entry.Terms.Policy.Rules) > 0 {
		return false, nil
	}
	return d.uniform.get(ctx, entry.Terms.Name, func(ctx context.Context) (bool, error) {
		own, err := d.source.HasOwn(ctx, entry.Terms.Name)
		return !own, err
	})
}

// Document finds the PACC document that is served for the entry's name;
// [ErrNotFound] means that there is none. Callers must not change the bytes.
func (d *Directory) Document(ctx context.Context, entry *Entry) ([]byte, error) {
	return d.pacc.get(ctx, entry.Name, func(ctx context.Context) ([]byte, error) {
		return d.source.Document(ctx, entry.Name)
	})
}
