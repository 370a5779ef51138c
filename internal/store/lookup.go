package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

var _ directory.Store = (*Store)(nil)

// Terms implements [directory.Store].
func (s *Store) Terms(ctx context.Context, name string) (*policy.Terms, error) {
	var text []byte
	var generation string
	err := s.db.QueryRowContext(ctx, `SELECT d.document, (SELECT value FROM meta WHERE name = 'config') `+
		`FROM domain_names n JOIN domains d ON d.name = n.domain WHERE n.name = ?`, name).Scan(&text, &generation)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, directory.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	var domain policy.Domain
	if err := decode(text, &domain); err != nil {
		return nil, err
	}
	known, err := s.shared(ctx, generation)
	if err != nil {
		return nil, err
	}
	return known.termsOf(domain)
}

// PlanTerms implements [directory.Store].
func (s *Store) PlanTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, error) {
	terms, _, err := s.planTerms(ctx, domain)
	return terms, err
}

// PlanWarnings returns the warnings that an apply would give if the domain were in the site.
func (s *Store) PlanWarnings(ctx context.Context, domain policy.Domain) (settings.Problems, error) {
	_, problems, err := s.planTerms(ctx, domain)
	return problems.Warnings(), err
}

func (s *Store) planTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, settings.Problems, error) {
	generation, err := meta(ctx, s.db, metaConfig)
	if err != nil {
		return nil, nil, err
	}
	known, err := s.shared(ctx, generation)
	if err != nil {
		return nil, nil, err
	}
	terms, err := known.termsOf(domain)
	if err != nil {
		return nil, nil, err
	}
	// No domain of the site may have this plan, so that it was never validated with one.
	plan := known.plans[domain.Plan]
	alone := policy.Site{Plans: []policy.Plan{plan}, Domains: []policy.Domain{domain}}
	if terms.Provider.ID != "" {
		alone.Providers = []settings.Provider{terms.Provider}
	}
	problems := alone.Check()
	if wrong := problems.Errors(); len(wrong) > 0 {
		return nil, nil, fmt.Errorf("%w: by the plan %s, %s", directory.ErrUnusable, domain.Plan, wrong[0].Text)
	}
	return terms, problems, nil
}

// shared is what domains refer to, in one generation of the site's configuration.
type shared struct {
	generation string
	siteID     string
	plans      map[string]policy.Plan
	providers  map[string]settings.Provider
}

// shared returns what is cached for a generation or a newer one. Reading it for each domain would
// be most of the work.
func (s *Store) shared(ctx context.Context, generation string) (*shared, error) {
	if kept := s.kept.Load(); kept != nil && kept.generation == generation {
		return kept, nil
	}
	var fresh *shared
	err := s.db.View(ctx, func(q database.Queryer) (err error) {
		fresh, err = readShared(ctx, q)
		return err
	})
	if err == nil {
		s.kept.Store(fresh)
	}
	return fresh, err
}

func readShared(ctx context.Context, q database.Queryer) (*shared, error) {
	x := &shared{plans: map[string]policy.Plan{}, providers: map[string]settings.Provider{}}
	var err error
	if x.generation, err = meta(ctx, q, metaConfig); err != nil {
		return x, err
	}
	small, err := configWithoutDomains(ctx, q)
	x.siteID = small.ID
	for _, p := range small.Plans {
		x.plans[p.Name] = p
	}
	for _, p := range small.Providers {
		x.providers[p.ID] = p
	}
	return x, err
}

// TermsOf returns the terms of the domains with these names or aliases, by all of their names.
func (s *Store) TermsOf(ctx context.Context, names []string) (all map[string]*policy.Terms, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		all, err = termsOf(ctx, q, names)
		return err
	})
	return all, err
}

func termsOf(ctx context.Context, q database.Queryer, names []string) (map[string]*policy.Terms, error) {
	known, err := readShared(ctx, q)
	if err != nil {
		return nil, err
	}
	all := map[string]*policy.Terms{}
	for part := range slices.Chunk(names, batchRows) {
		question := domainsByAnyName + database.Marks(len(part)) + `)`
		domains, err := documents[policy.Domain](ctx, q, question, arguments(part)...)
		if err != nil {
			return nil, err
		}
		for _, domain := range domains {
			t, err := known.termsOf(domain)
			if err != nil {
				return nil, err
			}
			for _, name := range namesOf(domain) {
				all[name] = t
			}
		}
	}
	return all, nil
}

// termsOf completes a domain from its plan and its provider.
func (x *shared) termsOf(domain policy.Domain) (*policy.Terms, error) {
	plan, found := x.plans[domain.Plan]
	if domain.Plan != "" && !found {
		return nil, NoPlan{domain.Plan}
	}
	id := domain.Over(plan.Offer).Provider
	provider, found := x.providers[id]
	if id != "" && !found {
		return nil, broken("provider", id)
	}
	return policy.TermsOf(x.siteID, domain, plan, provider), nil
}

// NoPlan is the [directory.ErrUnusable] of a plan that doesn't exist. "Not found" would mean that
// the domain isn't served.
type NoPlan struct{ Plan string }

func (n NoPlan) Error() string { return broken("plan", n.Plan).Error() }

// Unwrap returns [directory.ErrUnusable].
func (n NoPlan) Unwrap() error { return directory.ErrUnusable }

func broken(kind, name string) error {
	return fmt.Errorf("%w: the database has no %s %s, which a domain refers to", directory.ErrUnusable, kind, name)
}

// Account returns the account that has the address, in the form of settings.Address.Key and in its
// primary domain, as its primary or another one.
func (s *Store) Account(ctx context.Context, key string) (policy.Account, error) {
	var account policy.Account
	err := document(ctx, s.db, &account, `SELECT a.document FROM addresses x JOIN accounts a ON a.id = x.account `+
		`WHERE x.address = ?`, key)
	return account, err
}

// HasOwn implements [directory.Store].
func (s *Store) HasOwn(ctx context.Context, domain string) (bool, error) {
	var has bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM accounts WHERE domain = ? AND own = 1)`,
		domain).Scan(&has)
	return has, err
}

// document reads one JSON document, or returns [directory.ErrNotFound].
func document(ctx context.Context, q database.Queryer, into any, query string, args ...any) error {
	var text []byte
	err := q.QueryRowContext(ctx, query, args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return directory.ErrNotFound
	case err != nil:
		return err
	}
	return decode(text, into)
}

// decode decodes a JSON document. A failure, as with one of a newer version that runs beside this
// one, doesn't mean that the database is down.
func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: a document in the database can't be read by this version: %w", directory.ErrUnusable, err)
	}
	return nil
}
