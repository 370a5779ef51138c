package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
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

func (s *API) listAccounts(c echo.Context) error {
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
	return c.JSON(http.StatusOK, found.Account)
}

func (s *API) putAccount(c echo.Context) error {
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
		return fmt.Errorf("%w: the address in the body and the one in the path must be the same, in the primary domain",
			errJSON)
	}
	account, _, err = s.admin.PutAccount(c.Request().Context(), actor(c), typed,
		func(*policy.Account) (policy.Account, error) { return account, nil })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, account)
}

func (s *API) removeAccount(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	if err := s.admin.RemoveAccount(c.Request().Context(), actor(c), typed); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *API) listDomains(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	domains, err := s.Site.Domains(c.Request().Context(), actor(c).Bounds(), c.QueryParam("after"), limit+1)
	if err != nil {
		return directory.Unavailable(err)
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

func (s *API) showDomain(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	domain, err := s.Site.Domain(c.Request().Context(), entry.Terms.Name)
	switch {
	case errors.Is(err, directory.ErrNotFound): // another source has it
		return err
	case err != nil:
		return directory.Unavailable(err)
	}
	return c.JSON(http.StatusOK, domain)
}

func (s *API) putDomain(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	var domain policy.Domain
	if err := readJSON(c, &domain); err != nil {
		return err
	}
	if domain.Name != "" && domain.Name != name {
		return fmt.Errorf("%w: the name in the body and the one in the path must be the same", errJSON)
	}
	domain.Name = name
	domain, err = s.admin.PutDomain(c.Request().Context(), actor(c), name,
		func(*policy.Domain) (policy.Domain, error) { return domain, nil })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, domain)
}

func (s *API) removeDomain(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	if err := s.admin.RemoveDomain(c.Request().Context(), actor(c), name, c.QueryParam("accounts") == "true"); err != nil {
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

func (s *API) showDecision(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err != nil {
		return err
	}
	d := decided{
		Address: typed.String(), Known: found.Known, Mailbox: found.Account.Address.String(), Source: found.Source,
		Decision: a.Settings.Decision,
		Incoming: a.Settings.Incoming, Outgoing: a.Settings.Outgoing,
		Login: a.Settings.IncomingLogin.Literal, OutgoingLogin: a.Settings.OutgoingLogin.Literal,
		Misfits: clients.MisfitsOf(guide.Outcomes(found, typed)),
	}
	return c.JSON(http.StatusOK, d)
}

// render is what a program gets, exactly; the profile as behind a setup link.
func (s *API) render(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	a, _, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err != nil {
		return err
	}
	var body []byte
	kind := "text/xml; charset=utf-8"
	switch c.Param("format") {
	case "thunderbird":
		body, err = thunderbird.Render(a.Settings)
	case "pox":
		body, err = autodiscover.Render(a.Settings)
	case "mobileconfig":
		kind = mobileconfig.MediaType
		body, err = mobileconfig.Render(a.Settings)
	case "thunderbird-android":
		kind = "application/json"
		body, err = thunderbird.AndroidQR(a.Settings)
	default:
		return errBadFormat
	}
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, kind, body)
}

func (s *API) listAudit(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	before, err := strconv.ParseInt("0"+c.QueryParam("after"), 10, 64)
	if err != nil {
		return errBadLimit
	}
	entries, err := s.Desk.Store.Entries(c.Request().Context(),
		staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: limit})
	if err != nil {
		return directory.Unavailable(err)
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
