package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/policy"
)

// PACC implements [doctor.DocumentStore].
func (s *Store) PACC(ctx context.Context, name string) (doctor.Documents, error) {
	return documentsOf(ctx, s.db, name)
}

func documentsOf(ctx context.Context, q database.Queryer, name string) (doctor.Documents, error) {
	d := doctor.Documents{Name: name}
	err := q.QueryRowContext(ctx, `SELECT served, waiting FROM pacc WHERE name = ?`, name).Scan(&d.Served, &d.Waiting)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return d, err
}

// ReplacePACC implements [doctor.DocumentStore], in one transaction. The error names the domains
// whose documents have changed meanwhile.
func (s *Store) ReplacePACC(ctx context.Context, changes ...doctor.DocumentChange) error {
	var lost []string
	err := s.change(ctx, func(tx database.Queryer) (changed bool, err error) {
		lost = nil // the transaction may be retried
		for _, c := range changes {
			now, err := documentsOf(ctx, tx, c.After.Name)
			if err != nil {
				return false, err
			}
			if !now.Equal(c.Before) {
				lost = append(lost, c.After.Name)
				continue
			}
			// A waiting document isn't served, and so isn't cached.
			changed = changed || !bytes.Equal(now.Served, c.After.Served)
			if _, err = tx.ExecContext(ctx, s.db.Kind.Upsert("pacc", []string{"name"}, []string{"served", "waiting"}),
				c.After.Name, c.After.Served, c.After.Waiting); err != nil {
				return false, err
			}
		}
		return changed, nil
	})
	if err == nil && lost != nil {
		err = fmt.Errorf("%s: %w", strings.Join(lost, ", "), doctor.ErrDocumentsChanged)
	}
	return err
}

// PublishedPage returns up to limit names after the given one, in order, with their terms and
// documents.
func (s *Store) PublishedPage(ctx context.Context, after string, limit int) (page []Published, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		page, err = publishedPage(ctx, q, after, limit)
		return err
	})
	return page, err
}

// Published is a name with its domain's terms and published documents.
type Published struct {
	doctor.Documents
	Terms *policy.Terms
}

func publishedPage(ctx context.Context, q database.Queryer, after string, limit int) ([]Published, error) {
	small, err := configWithoutDomains(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, `SELECT n.name, d.document, p.served, p.waiting
		FROM domain_names n JOIN domains d ON d.name = n.domain
		LEFT JOIN pacc p ON p.name = n.name WHERE n.name > ? ORDER BY n.name LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (Published, error) {
		var p Published
		var text []byte
		if err := row.Scan(&p.Name, &text, &p.Served, &p.Waiting); err != nil {
			return p, err
		}
		var domain policy.Domain
		if err := json.Unmarshal(text, &domain); err != nil {
			return p, err
		}
		small.Domains = []policy.Domain{domain}
		p.Terms, _ = small.Terms(domain.Name)
		return p, nil
	})
}

// WaitingPACC returns the names whose document waits.
func (s *Store) WaitingPACC(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM pacc WHERE waiting IS NOT NULL ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
}

// Document implements [directory.Store].
func (s *Store) Document(ctx context.Context, name string) ([]byte, error) {
	d, err := s.PACC(ctx, name)
	if err == nil && d.Served == nil {
		err = directory.ErrNotFound
	}
	return d.Served, err
}
