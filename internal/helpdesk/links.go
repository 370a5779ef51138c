package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// linkRow is a link in a list.
type linkRow struct {
	links.Link
	State           links.State
	Made, ExpiresOn string
	By              string // who made it, as the people here call each other
}

func (s *Desk) linkRows(list []links.Link) []linkRow {
	rows := make([]linkRow, len(list))
	for i, l := range list {
		rows[i] = linkRow{
			Link: l, State: s.Links.StateOf(l),
			Made: web.Moment(l.MadeAt), ExpiresOn: web.Moment(l.ExpiresAt), By: called(l.MadeBy),
		}
	}
	return rows
}

// called is an actor as the people at the help desk know it; the audit log has the exact name.
func called(actor string) string {
	if token, is := strings.CutPrefix(actor, "token:"); is {
		return token + " (API)"
	}
	return strings.TrimPrefix(actor, "staff:")
}

// linksAtOnce is how many links a page shows.
const linksAtOnce = 50

type linksPage struct {
	web.Frame
	Links []linkRow
	// Query and State are what is asked for.
	Query  string
	State  links.State
	States []links.State
	// Older is the query of the next page, "" on the last one.
	Older string
}

func (s *Desk) linksPage(c echo.Context) error {
	page := linksPage{
		Frame: s.staffFrame(c), Query: strings.TrimSpace(web.FirstBytes(c.QueryParam("q"), settings.MaxAddress)),
		States: []links.State{links.Open, links.Used, links.Expired, links.Revoked},
	}
	if state := links.State(c.QueryParam("state")); slices.Contains(page.States, state) {
		page.State = state
	}
	list, err := s.Links.Store.Links(c.Request().Context(), links.Filter{
		Domains: actor(c).Bounds(), Text: page.Query, State: page.State, Now: s.Now(), Before: c.QueryParam("before"),
		Limit: linksAtOnce,
	})
	if err != nil {
		return directory.Unavailable(err)
	}
	page.Links = s.linkRows(list)
	if len(list) == linksAtOnce {
		page.Older = url.Values{"q": {page.Query}, "state": {string(page.State)}, "before": {list[linksAtOnce-1].ID}}.Encode()
	}
	return s.SendPage(c, http.StatusOK, "links", page.Frame, page)
}

// maxOnce bounds the bytes of a form's own key.
const maxOnce = 200

type madePage struct {
	web.Frame
	admin.MadeLink
	Texts admin.LinkTexts
	QR    template.HTML
	// Mailto and SMSLink open the mail program and the phone's messages with the text.
	Mailto, SMSLink template.URL
	// Sends tells whether this service sends mail; Token is then the link's, for that.
	Sends bool
	Token string
}

func (s *Desk) makeLink(c echo.Context) error {
	typed, err := settings.ParseAddress(c.FormValue("address"))
	if err != nil {
		return err
	}
	hours, err1 := strconv.Atoi(c.FormValue("hours"))
	uses, err2 := strconv.Atoi(c.FormValue("uses"))
	if err1 != nil || err2 != nil || hours > 1000 {
		return web.ErrBadForm
	}
	o := links.Order{
		Address: typed, Valid: time.Duration(hours) * time.Hour, Uses: uses,
		Language: c.FormValue("language"), Note: strings.TrimSpace(c.FormValue("note")),
	}
	// a page that is loaded again makes no second link
	if once := web.FirstBytes(c.FormValue("once"), maxOnce); once != "" {
		o.IdempotencyKey = "form\x00" + person(c).ID + "\x00" + once
		o.Request = fmt.Sprintf("%d %d %q %q", hours, uses, o.Language, o.Note)
	}
	ctx := c.Request().Context()
	made, err := s.admin.MakeLink(ctx, actor(c), o)
	if errors.Is(err, links.ErrOther) { // the form was filled in again
		o.IdempotencyKey = ""
		made, err = s.admin.MakeLink(ctx, actor(c), o)
	}
	if err != nil {
		return err
	}
	code, err := links.QR(made.URL)
	if err != nil {
		return err
	}
	f := s.staffFrame(c)
	texts := s.admin.Texts(made, s.Pages.Moment(made.ExpiresAt, made.Provider.Zone(), made.Language))
	//nolint:gosec // our own drawing, and values that are escaped
	return s.SendPage(c, http.StatusOK, "made", f, madePage{
		Frame: f, MadeLink: made, Texts: texts, QR: template.HTML(code),
		Sends: s.admin.Outbox != nil, Token: path.Base(made.URL),
		Mailto:  template.URL("mailto:?subject=" + url.PathEscape(texts.Subject) + "&body=" + url.PathEscape(texts.Mail)),
		SMSLink: template.URL("sms:?&body=" + url.PathEscape(texts.SMS)),
	})
}

// sendLink sends a link by mail that this person has just made: its token is known from
// the page that shows it once, and from nowhere else.
func (s *Desk) sendLink(c echo.Context) error {
	to, err := settings.ParseAddress(c.FormValue("to"))
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	l, err := s.admin.Link(ctx, actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	sent, err := s.admin.SendLink(ctx, actor(c), web.FirstBytes(c.FormValue("token"), maxOnce), admin.Sending{To: to})
	if err != nil {
		return err
	}
	if sent.Link != l.ID { // the token is another link's, whose page then has it
		return c.Redirect(http.StatusSeeOther, "/helpdesk/links/"+sent.Link)
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/links/"+l.ID)
}

// eventRow is something that happened to a link.
type eventRow struct {
	links.Event
	FirstOn, LastOn string
}

// linkLife is a link with what happened to it.
type linkLife struct {
	linkRow
	Events   []eventRow
	Messages []messageRow
}

type lifePage struct {
	web.Frame
	linkLife
	Said    string
	Problem bool
}

// messageRow is a message that has the link in it.
type messageRow struct {
	post.Message
	Made string
}

// messagesAtOnce is how many messages with a link its page shows.
const messagesAtOnce = 20

func (s *Desk) lifePage(c echo.Context) error {
	ctx := c.Request().Context()
	l, err := s.admin.Link(ctx, actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	page := lifePage{Frame: s.staffFrame(c)}
	if page.linkLife, err = s.lifeOf(ctx, actor(c), l); err != nil {
		return err
	}
	page.Said, page.Problem = said(c)
	return s.SendPage(c, http.StatusOK, "life", page.Frame, page)
}

func (s *Desk) lifeOf(ctx context.Context, by staff.Actor, l links.Link) (linkLife, error) {
	life := linkLife{linkRow: s.linkRows([]links.Link{l})[0]}
	events, err := s.Links.Store.LinkEvents(ctx, l.ID)
	if err != nil {
		return life, directory.Unavailable(err)
	}
	messages, err := s.admin.Messages(ctx, by, post.Filter{Link: l.ID, Limit: messagesAtOnce})
	if err != nil {
		return life, directory.Unavailable(err)
	}
	for _, e := range events {
		life.Events = append(life.Events, eventRow{e, web.Moment(e.First), web.Moment(e.Last)})
	}
	for _, m := range messages {
		life.Messages = append(life.Messages, messageRow{m, web.Moment(m.MadeAt)})
	}
	return life, nil
}

func (s *Desk) revokeLink(c echo.Context) error {
	if _, err := s.admin.RevokeLink(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/links/"+c.Param("id")+"?said=link_revoked")
}
