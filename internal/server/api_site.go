package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// unescaped undoes the percent-encoding that echo leaves in path parameters.
func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// change lets a program change something and writes that down, and lets the next answer
// here show it; other replicas follow within a second.
func (s *Server) change(c echo.Context, action, subject, domain string, do func(ctx context.Context) error) error {
	ctx := c.Request().Context()
	err := s.Desk.Act(ctx, actor(c), func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: action, Subject: subject, Domain: domain}, do(ctx)
	})
	if err != nil {
		return err
	}
	if err := s.Directory.Refresh(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

func (s *Server) apiAccounts(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
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
		return unavailable(err)
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

func (s *Server) apiAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	_, found, err := s.served(c, typed)
	if err == nil && !found.Known {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, found.Account)
}

func (s *Server) apiPutAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	entry, err := s.servedDomain(c, typed.Domain())
	if err != nil {
		return err
	}
	var account policy.Account
	if err := readJSON(c, &account); err != nil {
		return err
	}
	if account.Address.IsZero() {
		account.Address = typed
	}
	if account.Address.Key() != typed.Key() || typed.Domain() != entry.Terms.Name {
		return fmt.Errorf("%w: the address in the body and the one in the path must be the same, in the primary domain", errJSON)
	}
	account, _, err = s.admin.PutAccount(c.Request().Context(), actor(c), typed, func(*policy.Account) (policy.Account, error) { return account, nil })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, account)
}

func (s *Server) apiRemoveAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	if err := s.admin.RemoveAccount(c.Request().Context(), actor(c), typed); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDomains(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	domains, err := s.Site.Domains(c.Request().Context(), actor(c).Bounds(), c.QueryParam("after"), limit+1)
	if err != nil {
		return unavailable(err)
	}
	page := struct {
		Domains []policy.Domain `json:"domains"`
		After   string          `json:"after,omitempty"`
	}{Domains: append([]policy.Domain{}, domains[:min(len(domains), limit)]...)}
	if len(domains) > limit {
		page.After = domains[limit-1].Name
	}
	return c.JSON(http.StatusOK, page)
}

func (s *Server) apiDomain(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	domain, err := s.Site.Domain(c.Request().Context(), entry.Terms.Name)
	switch {
	case errors.Is(err, directory.ErrNotFound): // another source has it
		return err
	case err != nil:
		return unavailable(err)
	}
	return c.JSON(http.StatusOK, domain)
}

func (s *Server) apiPutDomain(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return errNoDomainName
	}
	if !actor(c).Serves(name) {
		return staff.ErrForbidden
	}
	var domain policy.Domain
	if err := readJSON(c, &domain); err != nil {
		return err
	}
	if domain.Name != "" && domain.Name != name {
		return fmt.Errorf("%w: the name in the body and the one in the path must be the same", errJSON)
	}
	for _, source := range domain.Sources {
		if !slices.Contains(s.Directory.SourceNames(), source) {
			return fmt.Errorf("%w: there is no source %q", errJSON, source)
		}
	}
	domain.Name = name
	asked := domain
	change := func(all *policy.Site) error {
		domain = asked
		i := slices.IndexFunc(all.Domains, func(d policy.Domain) bool { return d.Name == name })
		for _, alias := range domain.Aliases { // a new one is a name that the program must serve too
			if !actor(c).Serves(alias) && (i < 0 || !slices.Contains(all.Domains[i].Aliases, alias)) {
				return fmt.Errorf("%w: the alias %s", staff.ErrForbidden, alias)
			}
		}
		if i < 0 {
			all.Domains = append(all.Domains, domain)
			i = len(all.Domains) - 1
		} else {
			all.Domains[i] = domain
		}
		for _, other := range all.Domains { // of whom the mistake's text would tell
			if other.Name != name && !actor(c).Serves(other.Name) && sharesName(other, all.Domains[i]) {
				return fmt.Errorf("%w: a name of %s", directory.ErrExists, name)
			}
		}
		*all = all.Normalize()
		domain = all.Domains[i]
		return all.Check().Err()
	}
	err = s.change(c, "domain changed", name, name, func(ctx context.Context) error { return s.Site.ChangeDomain(ctx, name, change) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, domain)
}

// sharesName tells whether two domains have a name in common.
func sharesName(a, b policy.Domain) bool {
	names := append([]string{a.Name}, a.Aliases...)
	return slices.ContainsFunc(append([]string{b.Name}, b.Aliases...), func(name string) bool { return slices.Contains(names, name) })
}

func (s *Server) apiRemoveDomain(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	name := entry.Terms.Name
	err = s.change(c, "domain removed", name, name, func(ctx context.Context) error {
		return s.Site.RemoveDomain(ctx, name, c.QueryParam("accounts") == "true")
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decided is what an address gets, and why.
type decided struct {
	Address  string            `json:"address"`
	Known    bool              `json:"known"`
	Mailbox  string            `json:"mailbox"`
	Source   string            `json:"source,omitempty"`
	Decision settings.Decision `json:"decision"`
	Incoming settings.Server   `json:"incoming"`
	Outgoing settings.Server   `json:"outgoing"`
	Login    string            `json:"login"`
	// OutgoingLogin is the login at the outgoing server.
	OutgoingLogin string `json:"outgoing_login"`
	clients.Misfits
}

func (s *Server) apiDecision(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, found, err := s.served(c, typed)
	if err != nil {
		return err
	}
	d := decided{
		Address: typed.String(), Known: found.Known, Mailbox: found.Account.Address.String(), Source: found.Source, Decision: a.settings.Decision,
		Incoming: a.settings.Incoming, Outgoing: a.settings.Outgoing,
		Login: a.settings.IncomingLogin.Literal, OutgoingLogin: a.settings.OutgoingLogin.Literal,
		Misfits: clients.MisfitsOf(outcomes(found, typed)),
	}
	return c.JSON(http.StatusOK, d)
}

// apiRender is what a program gets, exactly; the profile as behind a setup link.
func (s *Server) apiRender(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, _, err := s.served(c, typed)
	if err != nil {
		return err
	}
	var body []byte
	kind := "text/xml; charset=utf-8"
	switch c.Param("format") {
	case "thunderbird":
		body, err = thunderbird.Render(a.settings)
	case "pox":
		body, err = autodiscover.Render(a.settings)
	case "mobileconfig":
		kind = mobileconfig.MediaType
		body, err = mobileconfig.Render(a.settings)
	case "thunderbird-android":
		kind = "application/json"
		body, err = thunderbird.AndroidQR(a.settings)
	default:
		return errBadFormat
	}
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, kind, body)
}

func (s *Server) apiAudit(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	before, err := strconv.ParseInt("0"+c.QueryParam("after"), 10, 64)
	if err != nil {
		return errBadLimit
	}
	entries, err := s.Desk.Store.Entries(c.Request().Context(), staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: limit})
	if err != nil {
		return unavailable(err)
	}
	page := struct {
		Entries []staff.Entry `json:"entries"`
		After   string        `json:"after,omitempty"`
	}{Entries: append([]staff.Entry{}, entries...)}
	if len(entries) == limit {
		page.After = strconv.FormatInt(entries[limit-1].ID, 10)
	}
	return c.JSON(http.StatusOK, page)
}
