package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// linkRow is a link in a list.
type linkRow struct {
	links.Link
	State           links.State
	Made, ExpiresOn string
}

func (s *Server) linkRows(list []links.Link) []linkRow {
	rows := make([]linkRow, len(list))
	for i, l := range list {
		rows[i] = linkRow{Link: l, State: s.Links.StateOf(l), Made: moment(l.MadeAt), ExpiresOn: moment(l.ExpiresAt)}
	}
	return rows
}

// linksAtOnce is how many links a page shows.
const linksAtOnce = 50

type linksPage struct {
	frame
	Links []linkRow
	Older string
}

func (s *Server) linksPage(c echo.Context) error {
	list, err := s.Links.Store.Links(c.Request().Context(), links.Filter{Domains: actor(c).Bounds(), Before: c.QueryParam("before"), Limit: linksAtOnce})
	if err != nil {
		return unavailable(err)
	}
	page := linksPage{frame: s.staffFrame(c), Links: s.linkRows(list)}
	if len(list) == linksAtOnce {
		page.Older = list[linksAtOnce-1].ID
	}
	return s.sendFramed(c, http.StatusOK, "links", page.frame, page)
}

// linkLife is how long a link works where nothing else is asked for.
func (s *Server) linkLife() time.Duration { return cmp.Or(s.LinkLife, links.DefaultValid) }

// madeLink is a link with what only its making can show.
type madeLink struct {
	links.Link
	URL   string
	Texts linkTexts
}

// linkTexts are ready to be sent, in the link's language.
type linkTexts struct {
	Subject string `json:"subject"`
	Mail    string `json:"mail"`
	SMS     string `json:"sms"`
	Ticket  string `json:"ticket"`
}

// order makes a link for an address that the actor serves, and writes it down.
func (s *Server) order(c echo.Context, o links.Order) (madeLink, error) {
	a, _, err := s.served(c, o.Address)
	if err != nil {
		return madeLink{}, err
	}
	ctx := c.Request().Context()
	o.Domain, o.By = a.entry.Terms.Name, actor(c).Name
	o.Valid, o.Uses = cmp.Or(o.Valid, s.linkLife()), cmp.Or(o.Uses, s.LinkUses)
	o.Language = s.pages.Language(o.Language, a.settings.Provider.Language)
	var token string
	var l links.Link
	for range 3 { // of several at the same time with one key, one makes it, and the others find it
		err = s.Desk.Act(ctx, actor(c), func(ctx context.Context) (e staff.Entry, err error) {
			token, l, err = s.Links.Make(ctx, o)
			if l.Again {
				return e, err // it was written down when it was made
			}
			return staff.Entry{Action: "link made", Subject: o.Address.String(), Domain: o.Domain, Detail: "link " + l.ID}, err
		})
		if !errors.Is(err, links.ErrTaken) {
			break
		}
	}
	if err != nil {
		return madeLink{}, err
	}
	return madeLink{Link: l, URL: s.linkURL(token), Texts: s.textsOf(l, s.linkURL(token), a.settings.Provider.Name)}, nil
}

func (s *Server) textsOf(l links.Link, url, provider string) linkTexts {
	args := map[string]string{"address": l.Address, "url": url, "until": moment(l.ExpiresAt), "provider": provider}
	say := func(key string) string { return s.pages.Text(settings.Message{Key: key, Args: args}, l.Language) }
	return linkTexts{Subject: say("message.mail.subject"), Mail: say("message.mail.body"), SMS: say("message.sms"), Ticket: say("message.ticket")}
}

type madePage struct {
	frame
	madeLink
	QR template.HTML
}

func (s *Server) makeLink(c echo.Context) error {
	typed, err := settings.ParseAddress(c.FormValue("address"))
	if err != nil {
		return err
	}
	hours, err1 := strconv.Atoi(c.FormValue("hours"))
	uses, err2 := strconv.Atoi(c.FormValue("uses"))
	if err1 != nil || err2 != nil || hours > 1000 {
		return errBadForm
	}
	o := links.Order{
		Address: typed, Valid: time.Duration(hours) * time.Hour, Uses: uses,
		Language: c.FormValue("language"), Note: strings.TrimSpace(c.FormValue("note")),
	}
	if once := firstBytes(c.FormValue("once"), maxIdempotencyKey); once != "" { // a page that is loaded again makes no second link
		o.Once, o.Asked = "form\x00"+person(c).ID+"\x00"+once, fmt.Sprintf("%d %d %q %q", hours, uses, o.Language, o.Note)
	}
	made, err := s.order(c, o)
	if errors.Is(err, links.ErrOther) { // the form was filled in again
		o.Once = ""
		made, err = s.order(c, o)
	}
	if err != nil {
		return err
	}
	code, err := links.QR(made.URL)
	if err != nil {
		return err
	}
	f := s.staffFrame(c)
	return s.sendFramed(c, http.StatusOK, "made", f, madePage{frame: f, madeLink: made, QR: template.HTML(code)}) //nolint:gosec // our own drawing
}

// eventRow is something that happened to a link.
type eventRow struct {
	links.Event
	FirstOn, LastOn string
}

type lifePage struct {
	frame
	linkRow
	Events []eventRow
}

// seen finds a link that the actor may see.
func (s *Server) seen(ctx context.Context, c echo.Context, id string) (links.Link, error) {
	l, err := s.Links.Store.Link(ctx, id)
	if err == nil && !actor(c).Serves(l.Domain) {
		err = links.ErrUnknown
	}
	return l, err
}

func (s *Server) lifePage(c echo.Context) error {
	ctx := c.Request().Context()
	l, err := s.seen(ctx, c, c.Param("id"))
	if err != nil {
		return err
	}
	events, err := s.Links.Store.LinkEvents(ctx, l.ID)
	if err != nil {
		return unavailable(err)
	}
	page := lifePage{frame: s.staffFrame(c), linkRow: s.linkRows([]links.Link{l})[0]}
	for _, e := range events {
		page.Events = append(page.Events, eventRow{e, moment(e.First), moment(e.Last)})
	}
	return s.sendFramed(c, http.StatusOK, "life", page.frame, page)
}

func (s *Server) revokeLink(c echo.Context) error {
	if _, err := s.revoke(c, c.Param("id")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/links/"+c.Param("id"))
}

func (s *Server) revoke(c echo.Context, id string) (links.Link, error) {
	ctx := c.Request().Context()
	l, err := s.seen(ctx, c, id)
	if err != nil {
		return l, err
	}
	err = s.Desk.Act(ctx, actor(c), func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "link withdrawn", Subject: l.Address, Domain: l.Domain, Detail: "link " + l.ID}, s.Links.Revoke(ctx, l, actor(c).Name)
	})
	if err != nil {
		return l, unavailable(err)
	}
	return s.Links.Store.Link(ctx, id)
}
