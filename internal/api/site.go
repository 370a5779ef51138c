package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/policy"
	"autoconfig/settings"
)

// unescaped undoes the percent-encoding that echo leaves in path parameters.
func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

func (s *API) listAccounts(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	if c.QueryParam("domain") == "" {
		return field("domain", errNoDomain)
	}
	entry, err := s.servedDomain(c, c.QueryParam("domain"))
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var accounts []policy.Account
	if q := c.QueryParam("q"); q != "" {
		accounts, _, err = s.Directory.Search(ctx, q, []string{entry.Terms.Name}, limit)
	} else {
		accounts, err = s.Site.Accounts(ctx, entry.Terms.Name, c.QueryParam("after"), limit)
	}
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Accounts []policy.Account `json:"accounts"`
		After    string           `json:"after,omitempty"`
	}{Accounts: append([]policy.Account{}, accounts...)}
	if len(accounts) == limit && c.QueryParam("q") == "" {
		page.After = accounts[limit-1].Address.Key()
	}
	return c.JSON(http.StatusOK, page)
}

func (s *API) showAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	_, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err == nil && !found.Known {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, found.Account)
}

// changeAccount stores an account, whole or in part.
func (s *API) changeAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	change, err := changeIn[policy.Account](c)
	if err != nil {
		return err
	}
	entry, err := s.servedDomain(c, typed.Domain())
	if err != nil {
		return err
	}
	account, _, err := s.admin.PutAccount(c.Request().Context(), actor(c), typed,
		change.then(func(a *policy.Account) error { return s.isItself(a, typed, entry) }))
	return change.answer(account, err)
}

// isItself refuses an account with another address than the path's.
func (s *API) isItself(account *policy.Account, typed settings.Address, entry *directory.Entry) error {
	if account.Address.IsZero() {
		account.Address = typed
	}
	if account.Address.Key() != typed.Key() || typed.Domain() != entry.Terms.Name {
		return field("address", fmt.Errorf("%w: the address in the body and the one in the path must be the same, in the "+
			"primary domain", errJSON))
	}
	return nil
}

func (s *API) removeAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	if err := s.admin.RemoveAccount(c.Request().Context(), actor(c), typed, asMet[policy.Account](c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *API) listDomains(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	ctx, within, after := c.Request().Context(), actor(c).Bounds(), c.QueryParam("after")
	own, err := s.Site.Domains(ctx, within, after, limit+1)
	if err != nil {
		return directory.Unavailable(err)
	}
	listed, err := s.Site.ListedDomains(ctx, within, after, limit+1)
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Domains []domainAnswer `json:"domains"`
		After   string         `json:"after,omitempty"`
	}{Domains: []domainAnswer{}}
	for _, d := range own {
		page.Domains = append(page.Domains, domainAnswer{Domain: d})
	}
	outside, err := s.listedAnswers(ctx, listed)
	if err != nil {
		return err
	}
	page.Domains = append(page.Domains, outside...)
	slices.SortFunc(page.Domains, func(a, b domainAnswer) int { return strings.Compare(a.Name, b.Name) })
	if len(page.Domains) > limit {
		page.Domains = page.Domains[:limit]
		page.After = page.Domains[limit-1].Name
	}
	return c.JSON(http.StatusOK, page)
}

// domainAnswer is a domain of ours, or what a source says of one that only it knows.
type domainAnswer struct {
	policy.Domain
	Source string `json:"source,omitempty"`
}

func (s *API) listedAnswers(ctx context.Context, listed []directory.ListedName) (all []domainAnswer, err error) {
	if len(listed) == 0 {
		return nil, nil
	}
	var names []string
	for _, n := range listed {
		names = append(names, n.Domain.Name)
	}
	aliases, err := s.Site.ListedAliases(ctx, names)
	if err != nil {
		return nil, directory.Unavailable(err)
	}
	for _, n := range listed {
		domain := policy.Domain{Name: n.Domain.Name, Plan: n.Domain.Plan, Aliases: aliases[n.Domain.Name]}
		all = append(all, domainAnswer{domain, n.Source})
	}
	return all, nil
}

func (s *API) showDomain(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	domain, err := s.Site.Domain(ctx, entry.Terms.Name)
	if err == nil {
		return answer(c, http.StatusOK, domainAnswer{Domain: domain})
	} else if !errors.Is(err, directory.ErrNotFound) {
		return directory.Unavailable(err)
	}
	listed, err := s.Site.ListedName(ctx, entry.Terms.Name)
	if errors.Is(err, directory.ErrNotFound) { // a source has it, and lists none
		return err
	} else if err != nil {
		return directory.Unavailable(err)
	}
	outside, err := s.listedAnswers(ctx, []directory.ListedName{listed})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, outside[0])
}

// changeDomain stores a domain, whole or in part.
func (s *API) changeDomain(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	change, err := changeIn[policy.Domain](c)
	if err != nil {
		return err
	}
	return change.answer(s.admin.PutDomain(c.Request().Context(), actor(c), name,
		change.then(func(d *policy.Domain) error { return isNamed("name", &d.Name, name) })))
}

func (s *API) removeDomain(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	err = s.admin.RemoveDomain(c.Request().Context(), actor(c), name, c.QueryParam("accounts") == "true",
		asMet[policy.Domain](c))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type auditEntry struct {
	ID string `json:"id"`
	staff.Entry
}

func (s *API) listAudit(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	before, err := s.Desk.EntryID(c.QueryParam("after"))
	if err != nil {
		return err
	}
	entries, err := s.Desk.Store.Entries(c.Request().Context(),
		staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: limit})
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Entries []auditEntry `json:"entries"`
		After   string       `json:"after,omitempty"`
	}{Entries: []auditEntry{}}
	for _, e := range entries {
		page.Entries = append(page.Entries, auditEntry{s.Desk.EntryMark(e.ID), e})
	}
	if len(entries) == limit {
		page.After = page.Entries[limit-1].ID
	}
	return c.JSON(http.StatusOK, page)
}
