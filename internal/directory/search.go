package directory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"autoconfig/policy"
)

// searchTimeout bounds a search, as people wait for it.
const searchTimeout = 3 * time.Second

// Search finds up to limit accounts whose address or name contains the text, within
// domains (nil for all), in our own database and in all sources, sorted by address.
// failed names the sources that couldn't be searched.
func (d *Directory) Search(
	ctx context.Context, text string, domains []string, limit int,
) (accounts []policy.Account, failed []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	results := make([][]policy.Account, len(d.sources))
	failures := make([]error, len(d.sources))
	var group sync.WaitGroup
	for i, s := range d.sources {
		group.Go(func() { results[i], failures[i] = s.search(ctx, text, domains, limit) })
	}
	accounts, err = d.store.SearchAccounts(ctx, text, domains, limit)
	group.Wait()
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, a := range accounts {
		seen[a.Address.Key()] = true
	}
	for i, s := range d.sources {
		if failures[i] != nil {
			failed = append(failed, s.Name)
		}
		for _, a := range results[i] {
			if key := a.Address.Key(); !seen[key] {
				seen[key] = true
				accounts = append(accounts, a)
			}
		}
	}
	slices.SortFunc(accounts, func(a, b policy.Account) int { return cmp.Compare(a.Address.Key(), b.Address.Key()) })
	accounts = accounts[:min(len(accounts), limit)]
	for i, a := range accounts {
		own, err := d.kept(ctx, a.Address.Key())
		if err != nil {
			return nil, nil, err
		}
		if own.Override != nil {
			accounts[i] = own.Override.Over(a)
		}
	}
	return accounts, failed, nil
}

func (s *source) search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	found, err := s.Source.Search(ctx, text, domains, limit)
	if err != nil && !errors.Is(err, context.Canceled) {
		// Not a failure of the source: searching a million names may well time out while
		// look-ups work.
		s.failures.Add(1)
		s.logger.Warn("a source couldn't be searched", "source", s.label(), "error", err)
	}
	return found, err
}
