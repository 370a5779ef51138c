package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"sync"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Response times must not reveal whether an account without settings of its own exists.
// So every look-up takes all steps, in the same order, and then chooses among the
// results.

// Lookup finds the account of a typed address in its domain: first by the whole
// address, then without its tag. If no source knows it, Known is false.
func (d *Directory) Lookup(ctx context.Context, entry *Entry, typed settings.Address) (Found, error) {
	whole := entry.Terms.Primary(typed).Unquoted()
	mailbox := entry.Terms.Mailbox(typed)
	found, err := d.find(ctx, entry, whole, maxAliasHops)
	if whole != mailbox {
		without, other := d.find(ctx, entry, mailbox, maxAliasHops)
		if errors.Is(err, ErrNotFound) {
			found, err = without, other
		}
	}
	if errors.Is(err, ErrNotFound) {
		return Found{Entry: entry, Home: entry, Account: entry.Terms.Unknown(typed)}, nil
	}
	return found, err
}

// maxAliasHops bounds how often an alias may lead from one source to another.
const maxAliasHops = 3

// find finds the account that has exactly this address: first in our own database, then
// in the sources of its domain. hops is how many more aliases may be followed.
func (d *Directory) find(ctx context.Context, entry *Entry, address settings.Address, hops int) (Found, error) {
	own, err := d.kept(ctx, address.Key())
	if err != nil {
		return Found{}, err
	}
	sources, err := d.sourcesOf(entry.Terms)
	var answers []answer[policy.Account]
	if len(sources) > 0 { // spares the allocations otherwise
		answers = ask(sources, func(s *source) (policy.Account, error) { return s.account(ctx, address) })
	}
	switch {
	case own.Known:
		return ours(entry, own), nil
	case err != nil:
		return Found{}, err
	}
	for i, s := range sources {
		switch err := answers[i].err; {
		case err == nil:
			return d.withOverride(ctx, entry, s, address, answers[i].value, own, hops)
		case !errors.Is(err, ErrNotFound):
			return Found{}, s.named(err)
		}
	}
	return Found{}, ErrNotFound
}

// ours is the result for an account of our own database.
func ours(entry *Entry, own Kept) Found {
	found := Found{Entry: entry, Home: entry, Account: own.Account, Known: true}
	own.applyOverride(&found)
	return found
}

// kept returns what our own database has under an address.
func (d *Directory) kept(ctx context.Context, key string) (Kept, error) {
	if own, fresh, err := d.accounts.fresh(key); fresh {
		return own, err
	}
	return d.accounts.get(ctx, key, func(ctx context.Context) (Kept, error) { return d.store.Lookup(ctx, key) })
}

type answer[V any] struct {
	value V
	err   error
}

// ask asks all sources at once, even if the first one knows the account: so a known
// account takes as long as an unknown one.
func ask[V any](sources []*source, question func(*source) (V, error)) []answer[V] {
	answers := make([]answer[V], len(sources))
	if len(sources) == 1 {
		answers[0].value, answers[0].err = question(sources[0])
		return answers
	}
	var group sync.WaitGroup
	for i, s := range sources {
		group.Go(func() { answers[i].value, answers[i].err = question(s) })
	}
	group.Wait()
	return answers
}

// withOverride follows a source's answer for an address to the mailbox's domain, and
// applies the override. own is what our own database has under the address. An account
// whose domain isn't served is ErrNotFound.
func (d *Directory) withOverride(
	ctx context.Context, entry *Entry, s *source, address settings.Address, account policy.Account, own Kept, hops int,
) (Found, error) {
	f := Found{Entry: entry, Home: entry, Account: account, Known: true, Source: s.Name}
	if name := account.Address.Domain(); name != entry.Terms.Name {
		home, err := d.Domain(ctx, name)
		if err != nil {
			return Found{}, err
		}
		f.Home = home
		f.Account.Address = account.Address.WithDomain(home.Terms.Name)
	}
	if primary := f.Account.Address; !primary.Same(address) {
		var err error
		if own, err = d.kept(ctx, primary.Key()); err != nil {
			return Found{}, err
		}
		// The mailbox's own address must get the same answer, so the first source that
		// knows it decides.
		sources, err := d.sourcesOf(f.Home.Terms)
		if err != nil {
			return Found{}, err
		}
		if own.Known || len(sources) == 0 || sources[0] != s {
			if hops == 0 {
				return Found{}, ErrNotFound
			}
			f, err = d.find(ctx, f.Home, primary, hops-1)
			f.Entry = entry
			if !slices.ContainsFunc(f.Account.Addresses, address.Same) {
				f.Account.Addresses = append(slices.Clone(f.Account.Addresses), address)
			}
			return f, err
		}
	}
	own.applyOverride(&f)
	return f, nil
}

// ByDigest finds the account with the address in the entry's domain that has this MD5
// (lower-case hex), or [ErrNotFound].
func (d *Directory) ByDigest(ctx context.Context, entry *Entry, digest string) (Found, error) {
	own, err := d.digests.get(ctx, entry.Name+" "+digest, func(ctx context.Context) (Kept, error) {
		return d.store.LookupDigest(ctx, entry.Name, digest)
	})
	if err != nil {
		return Found{}, err
	}
	sources, err := d.sourcesOf(entry.Terms)
	answers := ask(sources, func(s *source) (indexed, error) { return d.byDigest(ctx, entry, s, digest) })
	switch {
	case own.Known:
		found := ours(entry, own)
		found.Named = namedBy(digest, entry.Name, found.Account)
		return found, nil
	case err != nil:
		return Found{}, err
	}
	for i, s := range sources {
		switch answer, err := answers[i].value, answers[i].err; {
		case err == nil && answer.exact:
			found, err := d.withOverride(ctx, entry, s, answer.address, answer.account, answer.kept, maxAliasHops)
			found.Named = answer.address.WithDomain(entry.Name)
			return found, err
		case err != nil && !errors.Is(err, ErrNotFound):
			return Found{}, s.named(err)
		}
	}
	return Found{}, ErrNotFound
}

// namedBy is the one of an account's addresses that has a digest in a domain.
func namedBy(digest, domain string, account policy.Account) settings.Address {
	for _, a := range account.Addresses {
		for _, name := range []string{domain, settings.UnicodeDomain(domain)} {
			if sum := digestOf(a.Local(), name); hex.EncodeToString(sum[:]) == digest {
				return a.WithDomain(domain)
			}
		}
	}
	return account.Address.WithDomain(domain)
}

// indexed is an account that was found in a source's digest index, with what our own
// database has under its address. If exact is false, its digest isn't the requested one.
type indexed struct {
	address settings.Address
	exact   bool
	account policy.Account
	kept    Kept
}

// byDigest looks up the account with a digest, or else the next one in the index, so that
// an unknown digest takes the same steps. The results have a cache of their own: an
// address may be in the other caches already, which would be faster.
func (d *Directory) byDigest(ctx context.Context, entry *Entry, s *source, digest string) (indexed, error) {
	var answer indexed
	var found bool
	if answer.address, answer.exact, found = s.nearest(entry.Terms, digest); !found {
		return answer, ErrNotFound
	}
	key := answer.address.Key()
	account := entry.Name + " " + digest + " " + key
	kept, err := d.indexed.get(ctx, s.Name+" "+account, func(ctx context.Context) (Kept, error) {
		return d.store.Lookup(ctx, key)
	})
	if err != nil {
		return answer, err
	}
	answer.kept = kept
	answer.account, err = s.indexed.get(ctx, account, func(ctx context.Context) (policy.Account, error) {
		return s.Source.Account(ctx, answer.address)
	})
	return answer, err
}
