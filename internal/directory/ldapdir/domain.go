package ldapdir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Domain finds a domain by its name or an alias; see [directory.Source].
func (d *Source) Domain(ctx context.Context, name string) (directory.SourceDomain, error) {
	if d.filters.domain == nil {
		return directory.SourceDomain{}, directory.ErrNotFound
	}
	ctx, cancel := d.timely(ctx)
	defer cancel()
	var result *ldap.SearchResult
	var more bool
	err := d.call(ctx, func(ctx context.Context, c *conn) (err error) {
		request := d.domainBase(d.filters.domain.fillForms(name, func(_, domain string) string { return domain }))
		request.SizeLimit = maxMatches
		result, more, err = c.search(ctx, fewBytes, request)
		return err
	})
	if err != nil {
		return directory.SourceDomain{}, err
	}
	var all, primary []directory.SourceDomain
	var why error = directory.ErrNotFound
	for _, e := range result.Entries {
		domain, names, err := d.readDomain(e)
		switch {
		case err != nil:
			why = worse(why, err)
			continue
		case domain.Name == name:
			primary = append(primary, domain)
		case !slices.Contains(names, name):
			d.counters.unnamed.Add(1)
			why = worse(why, directory.Discarded{Why: "an entry was found that hasn't the domain in the attributes for its " +
				"names", Fault: true})
			continue
		}
		all = append(all, domain)
	}
	switch {
	case more, len(all) > 1 && len(primary) != 1:
		d.counters.ambiguous.Add(1)
		return directory.SourceDomain{}, directory.Discarded{Why: "several entries have the domain", Fault: true}
	case len(primary) == 1:
		return primary[0], nil
	case len(all) == 1:
		return all[0], nil
	}
	return directory.SourceDomain{}, why
}

// domainBase is a search for domains.
func (d *Source) domainBase(filter string) *ldap.SearchRequest {
	names := d.options.DomainAttributes
	return &ldap.SearchRequest{
		BaseDN: d.options.DomainBase, Scope: ldap.ScopeWholeSubtree, Filter: filter,
		Attributes: wanted(names.Name, names.Aliases, names.Plan),
	}
}

// readDomain reads a domain's entry and returns all its names, the primary one first. An
// error is a [directory.Discarded].
func (d *Source) readDomain(e *ldap.Entry) (domain directory.SourceDomain, names []string, err error) {
	attributes := d.options.DomainAttributes
	if domain.Name, err = settings.ParseDomain(strings.TrimSpace(d.first(e, attributes.Name))); err != nil {
		d.counters.badAddress.Add(1)
		return domain, nil, directory.Discarded{Why: "its name is no domain name (" + attributes.Name + ")", Fault: true}
	}
	if plan := strings.TrimSpace(d.first(e, attributes.Plan)); usableText(plan) {
		domain.Plan = plan
	} else if plan != "" {
		d.counters.dropped.Add(1)
	}
	names = []string{domain.Name}
	for _, value := range slices.Concat(d.values(e, attributes.Name), d.values(e, attributes.Aliases)) {
		name, err := settings.ParseDomain(strings.TrimSpace(value))
		switch {
		case err != nil:
			d.counters.dropped.Add(1)
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return domain, names, nil
}

// Domains is that of [directory.Source]. Without a filter for it, it fails with
// errors.ErrUnsupported: a directory has no domains of its own, and those in its accounts'
// addresses may belong to anybody. An alias counts if the filter for one domain finds it.
func (d *Source) Domains(ctx context.Context, each func(directory.SourceName) error) error {
	return d.walkDomains(ctx, func(_ string, name directory.SourceName, err error) error {
		if err != nil {
			return nil
		}
		return each(name)
	})
}

func (d *Source) walkDomains(
	ctx context.Context, each func(what string, name directory.SourceName, err error) error,
) error {
	if d.filters.domain == nil || d.filters.domainList == nil {
		return fmt.Errorf("%w: there is no filter that lists the domains", errors.ErrUnsupported)
	}
	return d.call(ctx, func(_ context.Context, c *conn) error {
		begun := false
		more, err := d.pages(ctx, c, d.domainBase(d.filters.domainList.fill(nil)), pageEntries, maxPages,
			func(e *ldap.Entry) error {
				begun = true
				domain, names, err := d.readDomain(e)
				if err != nil {
					return each(d.first(e, d.options.DomainAttributes.Name), directory.SourceName{}, err)
				}
				for i, name := range names {
					if i > 0 { // the filter for one domain may have more to say of aliases
						found, err := d.Domain(ctx, name)
						if err != nil && !errors.Is(err, directory.ErrNotFound) {
							return err
						}
						if found.Name != domain.Name {
							continue
						}
					}
					if err := each(name, directory.SourceName{Name: name, Domain: domain}, nil); err != nil {
						return err
					}
				}
				return nil
			})
		if err == nil && more {
			err = cut(c)
		}
		return once(err, begun)
	})
}

// once prevents a walk from starting again on another connection, as the callback has
// already seen some entries.
func once(err error, begun bool) error {
	if f, ok := err.(*failure); ok && begun { //nolint:errorlint // it is ours, not one that each has wrapped
		f.again = false
	}
	return err
}

// Survey is that of [directory.Surveyor].
func (d *Source) Survey(ctx context.Context, most int) (*directory.Survey, error) {
	survey := directory.NewSurvey(most)
	asked := map[string]bool{} // attributes, and whether any entry has them
	for _, named := range d.options.attributes()[:accountTexts] {
		if *named.value == "" {
			survey.Unknown = append(survey.Unknown, strings.TrimSuffix(strings.TrimPrefix(named.name, "the "), " attribute"))
			continue
		}
		for name := range strings.SplitSeq(*named.value, ",") {
			asked[name] = false
		}
	}
	accounts := d.walk(ctx, d.accountAttributes, func(e *ldap.Entry, account policy.Account, err error) error {
		for name := range asked {
			asked[name] = asked[name] || len(d.values(e, name)) > 0
		}
		if err == nil {
			err = d.fill(&account, e)
		}
		return survey.AddAccount(e.DN, account, err)
	})
	survey.Accounts.Listed = true
	for name, some := range asked {
		if !some && survey.Accounts.Number > 0 {
			survey.Nowhere = append(survey.Nowhere, name)
		}
	}
	slices.Sort(survey.Nowhere)
	domains := d.walkDomains(ctx, survey.AddDomain)
	survey.Domains.Listed = !errors.Is(domains, errors.ErrUnsupported)
	var failed error
	for _, err := range []error{accounts, domains} {
		if err != nil && !directory.Enough(err) && !errors.Is(err, errors.ErrUnsupported) {
			failed = errors.Join(failed, err)
		}
	}
	return survey, failed
}
