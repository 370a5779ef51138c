package sqldir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

const (
	maxFound = 1000 // accounts that a search may ask for
	// maxDomains is for how many domains a search asks one by one.
	maxDomains = 16
	pageSize   = 1000
)

// Search is that of [directory.Source]. Without a query for it, it finds the
// account whose whole address the text is.
func (s *Source) Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	if limit <= 0 || domains != nil && len(domains) == 0 {
		return nil, nil
	}
	limit = min(limit, maxFound)
	within := func(a policy.Account) bool { return domains == nil || slices.Contains(domains, a.Address.Domain()) }
	if s.search == nil {
		address, err := settings.ParseAddress(text)
		if err != nil {
			return nil, nil // the text is no address, and so nobody's
		}
		account, err := s.Account(ctx, address)
		if errors.Is(err, directory.ErrNotFound) || err == nil && !within(account) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []policy.Account{account}, nil
	}
	if !usable(text) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	// A query that can be told one domain is asked for each; else, or for very many,
	// more is asked for than is needed.
	asked, most := []string{""}, limit
	switch {
	case domains == nil:
	case s.search.has("domain") && len(domains) <= maxDomains:
		asked = domains
	default:
		most = maxFound
	}
	var found []policy.Account
	for _, domain := range asked {
		rows, err := s.all(ctx, s.search, map[string]any{"text": text, "pattern": pattern(text), "limit": int64(most), "domain": domain}, most)
		if err != nil {
			return nil, err
		}
		for _, account := range s.accounts(rows) {
			if within(account) {
				found = append(found, account)
			}
			if len(found) == limit {
				return found, nil
			}
		}
	}
	return found, nil
}

// pattern is a pattern of LIKE for a text anywhere.
func pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// accounts makes accounts of rows, those of one address together, in the order in
// which they come.
func (s *Source) accounts(rows []row) []policy.Account {
	var order []string
	byAddress := map[string][]row{}
	for _, r := range rows {
		key := r.key()
		if byAddress[key] == nil {
			order = append(order, key)
		}
		byAddress[key] = append(byAddress[key], r)
	}
	var found []policy.Account
	for _, key := range order {
		if account, err := s.gather(byAddress[key]); err == nil {
			found = append(found, account)
		}
	}
	return found
}

// Walk is that of [directory.Source]. Without a query for it, it fails with
// errors.ErrUnsupported. Pages have the time of a call each; a list in one has ten
// minutes.
func (s *Source) Walk(ctx context.Context, each func(policy.Account) error) error {
	switch {
	case s.list == nil:
		return fmt.Errorf("%w: there is no query that lists the accounts", errors.ErrUnsupported)
	case !s.list.has("after"):
		ctx, cancel := context.WithTimeout(ctx, walkTimeout)
		defer cancel()
		text, args := s.list.sql(nil)
		return s.rows(ctx, s.lists, s.list, text, args, func(r row) error {
			for _, account := range s.accounts([]row{r}) {
				if err := each(account); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for after := ""; ; {
		rows, err := s.page(ctx, after)
		if err != nil {
			return err
		}
		full := len(rows) == pageSize
		if full {
			// The last address may have more rows: it comes again, first on the next page.
			last := rows[len(rows)-1].text("address")
			for len(rows) > 0 && rows[len(rows)-1].text("address") == last {
				rows = rows[:len(rows)-1]
			}
			if len(rows) == 0 || rows[len(rows)-1].text("address") == after {
				return unusable("list", "it doesn't get on: write WHERE address > :after ORDER BY address LIMIT :limit")
			}
		}
		for _, account := range s.accounts(rows) {
			if err := each(account); err != nil {
				return err
			}
		}
		if !full {
			return nil
		}
		after = rows[len(rows)-1].text("address")
	}
}

func (s *Source) page(ctx context.Context, after string) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.all(ctx, s.list, map[string]any{"after": after, "limit": int64(pageSize)}, pageSize)
}
