package main

import (
	"context"
	"iter"

	"autoconfig/policy"
)

// servedDomain is a domain that is served: as the site has it, and its terms.
type servedDomain struct {
	policy.Domain
	Terms *policy.Terms
}

// domains are the domains that are served, by their names. They are read a page at a
// time, since there may be a hundred thousand. An error is the last that is yielded.
func (app *application) domains(ctx context.Context) iter.Seq2[servedDomain, error] {
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
				if !yield(servedDomain{d, t}, nil) {
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
