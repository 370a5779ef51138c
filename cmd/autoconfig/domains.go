package main

import (
	"context"
	"errors"
	"iter"

	"autoconfig/internal/directory"
	"autoconfig/policy"
)

// servedDomain is a domain that is served: as the site has it, and its terms.
type servedDomain struct {
	policy.Domain
	Terms *policy.Terms
	// Source is the source that lists it; "" for our own site.
	Source string
	// AliasOf is the domain of which a source says that this is another name.
	AliasOf string
}

// domains are the domains that are served: those of our own site by their names, and
// then those that sources list. They are read a page at a time, since there may be a
// hundred thousand. An error is the last that is yielded.
func (app *application) domains(ctx context.Context) iter.Seq2[servedDomain, error] {
	return func(yield func(servedDomain, error) bool) {
		for d, err := range app.ownDomains(ctx) {
			if !yield(d, err) || err != nil {
				return
			}
		}
		for page, err := range app.store.ListedPages(ctx) {
			var some []servedDomain
			if err == nil {
				some, err = app.listed(ctx, page)
			}
			if err != nil {
				yield(servedDomain{}, err)
				return
			}
			for _, d := range some {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// listed are the domains of a page of names: an alias alone where our own site or
// nobody has its domain, else with that.
func (app *application) listed(ctx context.Context, page []directory.ListedName) (all []servedDomain, err error) {
	terms, err := app.store.ListedTerms(ctx, page, app.planOf)
	if err != nil {
		return nil, err
	}
	var domains []string
	for _, n := range page {
		domains = append(domains, n.Domain.Name)
	}
	aliases, err := app.store.ListedAliases(ctx, domains)
	if err != nil {
		return nil, err
	}
	for _, n := range page {
		d := servedDomain{Domain: policy.Domain{Name: n.Name, Plan: app.planOf(n)}, Terms: terms[n.Name], Source: n.Source}
		if d.Terms == nil {
			continue // its plan has gone meanwhile
		}
		if n.Name == n.Domain.Name {
			d.Aliases = aliases[n.Name]
		} else {
			if _, err := app.store.ListedName(ctx, n.Domain.Name); err == nil {
				continue // it is with its domain
			} else if !errors.Is(err, directory.ErrNotFound) {
				return nil, err
			}
			d.AliasOf, d.Plan = n.Domain.Name, ""
		}
		all = append(all, d)
	}
	return all, nil
}

// ownDomains are those of our own site.
func (app *application) ownDomains(ctx context.Context) iter.Seq2[servedDomain, error] {
	return func(yield func(servedDomain, error) bool) {
		for page, err := range app.store.DomainPages(ctx) {
			if err != nil {
				yield(servedDomain{}, err)
				return
			}
			names := make([]string, len(page))
			for i, d := range page {
				names[i] = d.Name
			}
			terms, err := app.store.TermsOf(ctx, names)
			if err != nil {
				yield(servedDomain{}, err)
				return
			}
			for _, d := range page {
				t, found := terms[d.Name]
				if !found {
					continue // it was removed meanwhile
				}
				if !yield(servedDomain{Domain: d, Terms: t}, nil) {
					return
				}
			}
		}
	}
}

// names are all names under which domains are served: after each domain its aliases.
func (app *application) names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for d, err := range app.domains(ctx) {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(d.Name, nil) {
				return
			}
			for _, alias := range d.Aliases {
				if !yield(alias, nil) {
					return
				}
			}
		}
	}
}

// values are the first parts of pairs whose second is an error; the error ends them.
func values[T, U any](all iter.Seq2[T, error], of func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for item, err := range all {
			if err != nil {
				var none U
				yield(none, err)
				return
			}
			if !yield(of(item), nil) {
				return
			}
		}
	}
}
