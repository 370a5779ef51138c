package helpdesk

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/policy"
	"autoconfig/settings"
)

// found is how many accounts a search shows.
const foundMost = 50

type searchPage struct {
	web.Frame
	Query    string
	Asked    bool
	Accounts []policy.Account
	// Whole is the query, where it is an address that can be served.
	Whole string
	More  bool
	// Failed names the sources that couldn't be searched.
	Failed string
	// Foreign is the domain of an address that isn't served here, and Near is the address in
	// the domain that may have been meant.
	Foreign, Near string
}

func (s *Desk) searchPage(c echo.Context) error {
	page := searchPage{Frame: s.staffFrame(c), Query: strings.TrimSpace(web.FirstBytes(c.QueryParam("q"), 254))}
	if page.Query != "" {
		page.Asked = true
		ctx, a := c.Request().Context(), person(c).Actor()
		accounts, failed, err := s.Directory.Search(ctx, page.Query, a.Bounds(), foundMost+1)
		if err != nil {
			return directory.Unavailable(err)
		}
		page.Failed = strings.Join(failed, ", ")
		if len(accounts) > foundMost {
			accounts, page.More = accounts[:foundMost], true
		}
		page.Accounts = accounts
		if typed, err := settings.ParseAddress(page.Query); err == nil {
			_, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
			switch {
			case err == nil:
				page.whole(typed, found.Account)
			case errors.Is(err, directory.ErrNotFound):
				page.Foreign = typed.Domain()
				if near := s.admin.Near(ctx, actor(c), page.Foreign); near != "" {
					page.Near = typed.Local() + "@" + near
				}
			case errors.Is(err, directory.ErrUnavailable) && page.Failed != "": // the page says so
			default:
				return err
			}
		}
	}
	if only := page.only(); only != "" {
		return c.Redirect(http.StatusSeeOther, "/helpdesk/account?address="+url.QueryEscape(only))
	}
	return s.SendPage(c, http.StatusOK, "search", page.Frame, page)
}

// only is the account that is meant, where that is certain: a whole address, or the
// single hit of a search that reached every source.
func (p *searchPage) only() string {
	switch {
	case p.Failed != "":
		return "" // the page says what may be missing
	case p.Whole != "":
		return p.Whole
	case len(p.Accounts) == 1:
		return p.Accounts[0].Address.String()
	}
	return ""
}

// whole shows the address that was typed, and the mailbox that it leads to once: by
// its own name if that is what was typed in another spelling.
func (p *searchPage) whole(typed settings.Address, account policy.Account) {
	isMailbox := func(a policy.Account) bool { return a.Address.Same(account.Address) }
	if typed.Same(account.Address) && slices.ContainsFunc(p.Accounts, isMailbox) {
		return
	}
	p.Whole, p.Accounts = typed.String(), slices.DeleteFunc(p.Accounts, isMailbox)
}

// actor is who sends a request.
func actor(c echo.Context) staff.Actor { return person(c).Actor() }

type accountPage struct {
	web.Frame
	Address  string
	LeadsTo  string
	Known    bool
	Account  policy.Account
	Source   string // where it is kept, if not here
	Override policy.Override
	Decision settings.Decision
	Protocol string
	Login    string
	Programs []clients.Outcome
	Links    []linkRow
	Open     *linkLife // the last one that is open
	Guide    guide.Guide
	Validity []validity
	Once     string // of the form that makes a link
	// Said is what was just done, or with Problem why it wasn't: a key of a text.
	Said    string
	Problem bool
}

// validity is one choice of how long a link works.
type validity struct {
	Hours, Count int
	Unit         string
	Chosen       bool
}

var validities = []validity{
	{Hours: 1, Count: 1, Unit: "time.hours"},
	{Hours: 24, Count: 1, Unit: "time.days"},
	{Hours: 72, Count: 3, Unit: "time.days"},
	{Hours: 168, Count: 7, Unit: "time.days"},
	{Hours: 720, Count: 30, Unit: "time.days"},
}

func (s *Desk) accountPage(c echo.Context) error {
	typed, err := settings.ParseAddress(c.QueryParam("address"))
	if err != nil {
		return err
	}
	a, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err != nil {
		return err
	}
	account := found.Account
	ctx := c.Request().Context()
	page := accountPage{
		Frame: s.staffFrame(c), Address: typed.String(), Known: found.Known, Account: account, Source: found.Source,
		Override: found.Override, Decision: a.Settings.Decision,
		Protocol: strings.ToUpper(string(a.Settings.Decision.Protocol)), Login: a.Settings.IncomingLogin.Literal,
		Programs: clients.Shown(guide.Outcomes(found, typed)),
		Guide:    guide.Personal(a, found, links.Other, ""), Once: rand.Text(),
	}
	page.Said, page.Problem = said(c)
	if account.Address.Key() != typed.Key() {
		page.LeadsTo = account.Address.String()
	}
	for _, v := range validities {
		v.Chosen = float64(v.Hours) == cmp.Or(s.admin.LinkLife, links.DefaultValid).Hours()
		page.Validity = append(page.Validity, v)
	}
	list, err := s.Links.Store.Links(ctx, links.Filter{
		Domains: []string{a.Entry.Terms.Name}, Address: typed.Key(),
		Limit: 20,
	})
	if err != nil {
		return directory.Unavailable(err)
	}
	page.Links = s.linkRows(list)
	if i := slices.IndexFunc(page.Links, func(l linkRow) bool { return l.State == links.Open }); i >= 0 {
		life, err := s.lifeOf(ctx, actor(c), list[i])
		if err != nil {
			return err
		}
		page.Open = &life
	}
	if err := s.admin.NoteShown(ctx, actor(c), typed, a.Entry.Terms.Name); err != nil {
		return err
	}
	return s.SendPage(c, http.StatusOK, "account", page.Frame, page)
}
