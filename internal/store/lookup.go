package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

var _ directory.Source = (*Store)(nil)

// Domain implements [directory.Source].
func (s *Store) Domain(ctx context.Context, name string) (terms *policy.Terms, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		terms, err = domainTerms(ctx, q, name)
		return err
	})
	return terms, err
}

func domainTerms(ctx context.Context, q database.Queryer, name string) (*policy.Terms, error) {
	var domain policy.Domain
	err := document(ctx, q, &domain, `SELECT d.document FROM domain_names n JOIN domains d ON d.name = n.domain WHERE n.name = ?`, name)
	if err != nil {
		return nil, err
	}
	return termsOf(ctx, q, domain)
}

// PlanTerms implements [directory.Source].
func (s *Store) PlanTerms(ctx context.Context, domain policy.Domain) (terms *policy.Terms, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		terms, err = termsOf(ctx, q, domain)
		return err
	})
	return terms, err
}

// termsOf lays a domain over its plan and its provider.
func termsOf(ctx context.Context, q database.Queryer, domain policy.Domain) (*policy.Terms, error) {
	var plan policy.Plan
	if domain.Plan != "" {
		if err := document(ctx, q, &plan, `SELECT document FROM plans WHERE name = ?`, domain.Plan); err != nil {
			return nil, broken(err, "plan", domain.Plan)
		}
	}
	var provider settings.Provider
	if id := domain.Over(plan.Offer).Provider; id != "" {
		if err := document(ctx, q, &provider, `SELECT document FROM providers WHERE id = ?`, id); err != nil {
			return nil, broken(err, "provider", id)
		}
	}
	id, err := meta(ctx, q, metaSiteID)
	if err != nil {
		return nil, err
	}
	return policy.TermsOf(id, domain, plan, provider), nil
}

// broken makes a missing plan a failure: "not found" would mean that the domain
// isn't served.
func broken(err error, kind, name string) error {
	if errors.Is(err, directory.ErrNotFound) {
		return fmt.Errorf("%w: the database has no %s %s, which a domain refers to", directory.ErrUnusable, kind, name)
	}
	return err
}

// Account implements [directory.Source].
func (s *Store) Account(ctx context.Context, key string) (policy.Account, error) {
	var account policy.Account
	err := document(ctx, s.db, &account, `SELECT a.document FROM addresses x JOIN accounts a ON a.id = x.account WHERE x.address = ?`, key)
	return account, err
}

// AccountByDigest implements [directory.Source].
func (s *Store) AccountByDigest(ctx context.Context, domain, digest string) (policy.Account, error) {
	var account policy.Account
	raw, err := hex.DecodeString(digest)
	if err != nil {
		return account, directory.ErrNotFound
	}
	err = document(ctx, s.db, &account, `SELECT a.document FROM digests x JOIN accounts a ON a.id = x.account
		JOIN domain_names n ON n.domain = a.domain WHERE x.digest = ? AND n.name = ? ORDER BY a.id LIMIT 1`, raw, domain)
	return account, err
}

// HasOwn implements [directory.Source].
func (s *Store) HasOwn(ctx context.Context, domain string) (bool, error) {
	var has bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM accounts WHERE domain = ? AND own = 1)`, domain).Scan(&has)
	return has, err
}

// document reads one JSON document; none is [directory.ErrNotFound].
func document(ctx context.Context, q database.Queryer, into any, query string, args ...any) error {
	var text []byte
	err := q.QueryRowContext(ctx, query, args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return directory.ErrNotFound
	case err != nil:
		return err
	}
	return json.Unmarshal(text, into)
}
