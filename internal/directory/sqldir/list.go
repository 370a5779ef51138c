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
		rows, err := s.all(ctx, s.search, map[string]any{
			"text": text, "pattern": pattern(text), "limit": int64(most),
			"domain": domain,
		}, most)
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
func (s *Source) accounts(rows []row) (found []policy.Account) {
	_ = s.judged(rows, func(_ string, account policy.Account, err error) error {
		if err == nil {
			found = append(found, account)
		}
		return nil
	})
	return found
}

// judged calls each for every account among rows, and for every address that is none,
// with the reason.
func (s *Source) judged(rows []row, each func(what string, account policy.Account, err error) error) error {
	var order []string
	byAddress := map[string][]row{}
	for _, r := range rows {
		key := r.key()
		if byAddress[key] == nil {
			order = append(order, key)
		}
		byAddress[key] = append(byAddress[key], r)
	}
	for _, key := range order {
		account, err := s.gather(byAddress[key])
		if err := each(key, account, err); err != nil {
			return err
		}
	}
	return nil
}

// Walk is that of [directory.Source]. Without a query for it, it fails with
// errors.ErrUnsupported. Pages have the time of a call each; a list in one has ten
// minutes.
func (s *Source) Walk(ctx context.Context, each func(policy.Account) error) error {
	return s.walk(ctx, func(_ string, account policy.Account, err error) error {
		if err != nil {
			return nil
		}
		return each(account)
	})
}

func (s *Source) walk(ctx context.Context, each func(what string, account policy.Account, err error) error) error {
	if s.list == nil {
		return fmt.Errorf("%w: there is no query that lists the accounts", errors.ErrUnsupported)
	}
	return s.pages(ctx, s.list, func(rows []row) error { return s.judged(rows, each) })
}

// Domains is that of [directory.Source], in the way of [Source.Walk].
func (s *Source) Domains(ctx context.Context, each func(directory.SourceName) error) error {
	return s.walkDomains(ctx, func(_ string, name directory.SourceName, err error) error {
		if err != nil {
			return nil
		}
		return each(name)
	})
}

func (s *Source) walkDomains(
	ctx context.Context, each func(what string, name directory.SourceName, err error) error,
) error {
	if s.domains == nil || s.domain == nil {
		return fmt.Errorf("%w: there is no query that lists the domains", errors.ErrUnsupported)
	}
	return s.pages(ctx, s.domains, func(rows []row) error {
		for _, r := range rows {
			text := r.text("name")
			if r.text("domain") == "" {
				r["domain"] = text
			}
			domain, err := s.domainOf(r)
			name, bad := settings.ParseDomain(text)
			if err == nil && bad != nil {
				err = directory.Discarded{Why: "its name is no domain name", Fault: true}
			}
			if err := each(text, directory.SourceName{Name: name, Domain: domain}, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// pages calls each with the rows of a list, a page at a time: those whose first column
// has one value together. A list that isn't asked for in pages comes row by row.
func (s *Source) pages(ctx context.Context, q *query, each func([]row) error) error {
	if !q.has("after") {
		ctx, cancel := context.WithTimeout(ctx, walkTimeout)
		defer cancel()
		text, args := q.sql(nil)
		return s.rows(ctx, s.lists, q, text, args, func(r row) error { return each([]row{r}) })
	}
	column := q.columns[0]
	for after := ""; ; {
		rows, err := s.page(ctx, q, after)
		if err != nil {
			return err
		}
		full := len(rows) == pageSize
		if full {
			// The last one may have more rows: it comes again, first on the next page.
			last := rows[len(rows)-1].raw(column)
			for len(rows) > 0 && rows[len(rows)-1].raw(column) == last {
				rows = rows[:len(rows)-1]
			}
			if len(rows) == 0 || rows[len(rows)-1].raw(column) == after {
				return unusable(q.name, "it doesn't get on: write WHERE %s > :after ORDER BY %s LIMIT :limit", column, column)
			}
		}
		if err := each(rows); err != nil {
			return err
		}
		if !full {
			return nil
		}
		after = rows[len(rows)-1].raw(column)
	}
}

func (s *Source) page(ctx context.Context, q *query, after string) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.all(ctx, q, map[string]any{"after": after, "limit": int64(pageSize)}, pageSize)
}

// Survey is that of [directory.Surveyor].
func (s *Source) Survey(ctx context.Context, most int) (*directory.Survey, error) {
	survey := directory.NewSurvey(most)
	if given := s.account.given.Load(); given != nil {
		for _, column := range accountColumns {
			if !slices.Contains(*given, column) {
				survey.Unknown = append(survey.Unknown, column)
			}
		}
	}
	accounts := s.walk(ctx, survey.AddAccount)
	survey.Accounts.Listed = !errors.Is(accounts, errors.ErrUnsupported)
	domains := s.walkDomains(ctx, survey.AddDomain)
	survey.Domains.Listed = !errors.Is(domains, errors.ErrUnsupported)
	var failed error
	for _, err := range []error{accounts, domains} {
		if err != nil && !directory.Enough(err) && !errors.Is(err, errors.ErrUnsupported) {
			failed = errors.Join(failed, err)
		}
	}
	return survey, failed
}
