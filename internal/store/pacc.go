package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
)

// PACC gives the document that is served for a domain's name and the one that
// waits for its digest in the DNS; nil for none.
func (s *Store) PACC(ctx context.Context, name string) (served, waiting []byte, err error) {
	return documentsOf(ctx, s.db, name)
}

func documentsOf(ctx context.Context, q database.Queryer, name string) (served, waiting []byte, err error) {
	err = q.QueryRowContext(ctx, `SELECT served, waiting FROM pacc WHERE name = ?`, name).Scan(&served, &waiting)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return served, waiting, err
}

// Documents are the PACC documents of a name: the one that is served and the one
// that waits for its digest in the DNS, nil for none.
type Documents struct {
	Name            string
	Served, Waiting []byte
}

// PutPACC stores both documents for a domain's name.
func (s *Store) PutPACC(ctx context.Context, name string, served, waiting []byte) error {
	return s.PutDocuments(ctx, Documents{name, served, waiting})
}

// PutDocuments stores the documents of names, in one transaction.
func (s *Store) PutDocuments(ctx context.Context, all ...Documents) error {
	return s.change(ctx, func(tx database.Queryer) (changed bool, err error) {
		for _, d := range all {
			served, _, err := documentsOf(ctx, tx, d.Name)
			if err != nil {
				return false, err
			}
			// What waits isn't served: only the other makes caches ask again.
			changed = changed || !bytes.Equal(served, d.Served)
			if _, err = tx.ExecContext(ctx, s.db.Kind.Upsert("pacc", []string{"name"}, []string{"served", "waiting"}), d.Name, d.Served, d.Waiting); err != nil {
				return false, err
			}
		}
		return changed, nil
	})
}

// PublishedPage is at most limit names that come after the given one, in their
// order, with their terms and documents.
func (s *Store) PublishedPage(ctx context.Context, after string, limit int) (page []Published, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		page, err = publishedPage(ctx, q, after, limit)
		return err
	})
	return page, err
}

// Published is a name with its domain's terms and what is published of them.
type Published struct {
	Documents
	Terms *policy.Terms
}

func publishedPage(ctx context.Context, q database.Queryer, after string, limit int) ([]Published, error) {
	small, err := frameWithoutDomains(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, `SELECT n.name, d.document, p.served, p.waiting FROM domain_names n JOIN domains d ON d.name = n.domain
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

// WaitingPACC are the names whose document waits.
func (s *Store) WaitingPACC(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM pacc WHERE waiting IS NOT NULL ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Document implements [directory.Store].
func (s *Store) Document(ctx context.Context, name string) ([]byte, error) {
	served, _, err := s.PACC(ctx, name)
	if err == nil && served == nil {
		err = directory.ErrNotFound
	}
	return served, err
}
