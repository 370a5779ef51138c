package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/policy"
)

var _ directory.NameStore = (*Store)(nil)

const (
	listedColumns = `SELECT s.source, s.name, s.domain, s.plan FROM source_names s`
	// listedAfter excludes the names of our own site.
	listedAfter = listedColumns + ` WHERE s.name > ? AND NOT EXISTS (SELECT 1 FROM domain_names n WHERE n.name = s.name)`
)

func scanListed(row scanner) (n directory.ListedName, err error) {
	return n, row.Scan(&n.Source, &n.Name, &n.Domain.Name, &n.Domain.Plan)
}

// PutNames implements [directory.NameStore].
func (s *Store) PutNames(ctx context.Context, source string, order []string, names []directory.SourceName) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		for part := range slices.Chunk(names, batchRows) {
			if err := putNames(ctx, tx, s.db.Kind, source, order, part); err != nil {
				return err
			}
		}
		return nil
	})
}

func putNames(ctx context.Context, tx database.Queryer, kind database.Kind, source string, order []string,
	names []directory.SourceName,
) error {
	keys := make([]string, len(names))
	for i, n := range names {
		keys[i] = n.Name
	}
	rows, err := tx.QueryContext(ctx, listedColumns+` WHERE s.name IN (`+database.Marks(len(keys))+`)`, arguments(keys)...)
	if err != nil {
		return err
	}
	list, err := scanAll(rows, scanListed)
	if err != nil {
		return err
	}
	kept := map[string]directory.ListedName{}
	for _, n := range list {
		kept[n.Name] = n
	}
	var write []directory.SourceName
	for _, n := range names {
		before, found := kept[n.Name]
		at := slices.Index(order, before.Source)
		if found && (before == directory.ListedName{Source: source, SourceName: n} || at >= 0 && at < slices.Index(order,
			source)) {
			continue // unchanged, or the name belongs to an earlier source
		}
		kept[n.Name] = directory.ListedName{Source: source, SourceName: n} // a list may repeat it
		write = append(write, n)
	}
	if len(write) == 0 {
		return nil
	}
	for _, n := range write {
		_, err := tx.ExecContext(ctx, kind.Upsert("source_names", []string{"name"}, []string{"domain", "plan", "source"}),
			n.Name, n.Domain.Name, n.Domain.Plan, source)
		if err != nil {
			return err
		}
	}
	return raise(ctx, tx, metaNames)
}

// RemoveNames implements [directory.NameStore].
func (s *Store) RemoveNames(ctx context.Context, source string, names []string) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		for part := range slices.Chunk(names, batchRows) {
			_, err := tx.ExecContext(ctx, `DELETE FROM source_names
				WHERE source = ? AND name IN (`+database.Marks(len(part))+`)`,
				append([]any{source}, arguments(part)...)...)
			if err != nil {
				return err
			}
			for _, table := range ofNames {
				_, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE name IN (`+database.Marks(len(part))+`)
					AND name NOT IN (SELECT name FROM domain_names)`, arguments(part)...)
				if err != nil {
					return err
				}
			}
		}
		return raise(ctx, tx, metaNames)
	})
}

// NamesOf implements [directory.NameStore].
func (s *Store) NamesOf(ctx context.Context, source, after string, limit int) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM source_names WHERE source = ? AND name > ?
		ORDER BY name LIMIT ?`, source, after, limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
}

// NamedSources implements [directory.NameStore].
func (s *Store) NamedSources(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT DISTINCT source FROM source_names`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
}

// ListedName returns a name that a source lists and our own site doesn't have, or
// [directory.ErrNotFound].
func (s *Store) ListedName(ctx context.Context, name string) (directory.ListedName, error) {
	n, err := scanListed(s.db.QueryRowContext(ctx,
		listedColumns+` WHERE s.name = ? AND NOT EXISTS (SELECT 1 FROM domain_names n WHERE n.name = s.name)`, name))
	if errors.Is(err, sql.ErrNoRows) {
		err = directory.ErrNotFound
	}
	return n, err
}

// ListedNames returns up to limit names after the given one, in order, that sources list and our own
// site doesn't have, and whose domains are among within (nil for all).
func (s *Store) ListedNames(ctx context.Context, within []string, after string, limit int) ([]directory.ListedName,
	error,
) {
	bound, args := among("s.domain", within)
	rows, err := s.db.QueryContext(ctx, listedAfter+bound+` ORDER BY s.name LIMIT ?`, append(append([]any{after},
		args...), limit)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scanListed)
}

// ListedDomains is like ListedNames for the primary names of domains.
func (s *Store) ListedDomains(ctx context.Context, within []string, after string, limit int) ([]directory.ListedName,
	error,
) {
	bound, args := among("s.domain", within)
	rows, err := s.db.QueryContext(ctx, listedAfter+bound+` AND s.name = s.domain ORDER BY s.name LIMIT ?`,
		append(append([]any{after}, args...), limit)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scanListed)
}

// ListedPages yields all of them, page by page.
func (s *Store) ListedPages(ctx context.Context) iter.Seq2[[]directory.ListedName, error] {
	key := func(n directory.ListedName) string { return n.Name }
	return pages(key, func(after string) ([]directory.ListedName, error) {
		return s.ListedNames(ctx, nil, after,
			pageSize)
	})
}

// ListedAliases returns the other names of these domains that sources list.
func (s *Store) ListedAliases(ctx context.Context, domains []string) (map[string][]string, error) {
	aliases := map[string][]string{}
	for part := range slices.Chunk(domains, batchRows) {
		rows, err := s.db.QueryContext(ctx, listedColumns+`
			WHERE s.domain IN (`+database.Marks(len(part))+`) AND s.name <> s.domain
			AND NOT EXISTS (SELECT 1 FROM domain_names n WHERE n.name = s.name) ORDER BY s.name`, arguments(part)...)
		if err != nil {
			return nil, err
		}
		list, err := scanAll(rows, scanListed)
		if err != nil {
			return nil, err
		}
		for _, n := range list {
			aliases[n.Domain.Name] = append(aliases[n.Domain.Name], n.Name)
		}
	}
	return aliases, nil
}

// ListedTerms returns the terms of names that sources list, as the directory finds them: those of our
// own domain if the name is an alias of one, otherwise those of the plan, which plan returns for a
// name. A name whose plan doesn't exist has no terms.
func (s *Store) ListedTerms(ctx context.Context, names []directory.ListedName,
	plan func(directory.ListedName) string,
) (map[string]*policy.Terms, error) {
	var domains []string
	for _, n := range names {
		domains = append(domains, n.Domain.Name)
	}
	own, err := s.TermsOf(ctx, domains)
	if err != nil {
		return nil, err
	}
	all := map[string]*policy.Terms{}
	for _, n := range names {
		if terms, found := own[n.Domain.Name]; found {
			aliased := *terms
			aliased.Aliases = append(slices.Clone(terms.Aliases), n.Name)
			all[n.Name] = &aliased
			continue
		}
		domain := policy.Domain{Name: n.Domain.Name, Plan: plan(n)}
		if n.Name != n.Domain.Name {
			domain.Aliases = []string{n.Name}
		}
		if domain.Plan == "" {
			continue
		}
		terms, err := s.PlanTerms(ctx, domain)
		switch {
		case errors.Is(err, directory.ErrUnusable):
		case err != nil:
			return nil, err
		default:
			all[n.Name] = terms
		}
	}
	return all, nil
}

// ListedDocuments returns the published documents of names, with their terms.
func (s *Store) ListedDocuments(ctx context.Context, names []directory.ListedName,
	plan func(directory.ListedName) string,
) ([]Published, error) {
	terms, err := s.ListedTerms(ctx, names, plan)
	if err != nil {
		return nil, err
	}
	documents := map[string]doctor.Documents{}
	for part := range slices.Chunk(names, batchRows) {
		var keys []string
		for _, n := range part {
			keys = append(keys, n.Name)
		}
		rows, err := s.db.QueryContext(ctx, `SELECT name, served, waiting FROM pacc
			WHERE name IN (`+database.Marks(len(keys))+`)`, arguments(keys)...)
		if err != nil {
			return nil, err
		}
		list, err := scanAll(rows, func(row scanner) (d doctor.Documents, err error) {
			return d, row.Scan(&d.Name,
				&d.Served, &d.Waiting)
		})
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			documents[d.Name] = d
		}
	}
	var all []Published
	for _, n := range names {
		if t := terms[n.Name]; t != nil {
			d := documents[n.Name]
			d.Name = n.Name
			all = append(all, Published{d, t})
		}
	}
	return all, nil
}
