package server

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/templates"
)

// linkPage is a setup link's page: before a use it says for whom it is, and after
// one everything.
type linkPage struct {
	web.Frame
	Address string
	Until   templates.Moment
	Left    int
	// Apple: a profile can set this device up.
	Apple bool
	choice
	QR template.HTML
}

// gonePage says that a link doesn't work, and whom to ask.
type gonePage struct {
	web.Frame
	State string
}

const linkCookie = "setup"

// followed is a link that was asked for, with what it is about.
type followed struct {
	links.Link
	token string
	typed settings.Address
	lookup.Answer
	found directory.Found
	// until is when the window of this browser ends; zero if it has none.
	until time.Time
}

// follow finds the link of a request. Whoever guesses too often is sent away
// before anything is looked up.
func (s *Public) follow(c echo.Context) (followed, error) {
	c.Response().Header().Set("Cache-Control", "no-store") // of redirects too: the path is a secret
	ctx, client := c.Request().Context(), web.ClientOf(c)
	if s.guesses.Spent(ctx, client) {
		return followed{}, web.ErrTooMany
	}
	l, err := s.links.Find(ctx, c.Param("token"))
	if errors.Is(err, links.ErrUnknown) {
		if !s.guesses.Failed(ctx, client) {
			return followed{}, web.ErrTooMany
		}
		return followed{}, links.ErrUnknown
	} else if err != nil {
		return followed{}, directory.Unavailable(err)
	}
	f := followed{Link: l, token: c.Param("token")}
	if f.typed, err = settings.ParseAddress(l.Address); err != nil { // forgotten
		return f, links.ErrSpent
	}
	if f.Answer, f.found, err = s.Personal(ctx, f.typed); errors.Is(err, directory.ErrNotFound) {
		return f, links.ErrSpent // its domain is served no more
	} else if err != nil {
		return f, err
	}
	if cookie, err := c.Cookie(linkCookie); err == nil {
		f.until = s.links.AdmittedUntil(l, cookie.Value)
	}
	return f, nil
}

// linkGone answers what can't be followed.
func (s *Public) linkGone(c echo.Context, l followed, err error) error {
	b := web.Brand{Name: "autoconfig"}
	if l.Entry != nil {
		b = web.BrandOf(l.Settings.Provider)
	}
	f := s.NewFrame(c, b, l.Language)
	switch {
	case errors.Is(err, links.ErrUnknown):
		return s.SendPage(c, http.StatusNotFound, "gone", f, gonePage{f, "unknown"})
	case errors.Is(err, links.ErrSpent):
		state := s.links.StateOf(l.Link)
		if state == links.Open { // of an account that isn't there any more
			state = links.Revoked
		}
		return s.SendPage(c, http.StatusGone, "gone", f, gonePage{f, string(state)})
	}
	return err
}

// link shows a link's page. However often it is looked at, by whatever program,
// no use is counted.
func (s *Public) link(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	device := links.DeviceOf(c.Request().UserAgent())
	page := linkPage{Address: l.Address, Left: l.Uses - l.Used, choice: chosenIn(c)}
	if page.Device == "" { // it is among the tiles of a link's page, which an iPad's script corrects
		page.Device, page.Devices = links.Mac, links.Devices
	}
	page.Frame = s.NewFrame(c, web.BrandOf(l.Settings.Provider), l.Language)
	page.Again = []web.Field{{Name: "device", Value: string(page.Device)}}
	if !l.until.IsZero() {
		page.Until = s.momentOf(l.until, l, page.Lang)
		g := guide.Personal(l.Answer, l.found, page.Device, "/s/"+l.token+"/profile")
		g.Unsigned = s.identity() == nil
		page.choice = page.of(g)
		page.Again = page.again()
		return s.SendPage(c, http.StatusOK, "link", page.Frame, page)
	}
	if s.links.StateOf(l.Link) != links.Open {
		return s.linkGone(c, l, links.ErrSpent)
	}
	if c.Request().Method == http.MethodGet {
		s.noteLink(c.Request().Context(), l.Link, links.Opened, device)
	}
	page.Until = s.momentOf(l.ExpiresAt, l, page.Lang)
	if mobileconfig.Expressible(&l.Settings) == nil {
		page.Apple = page.Device == links.IPhone || page.Device == links.Mac
	}
	code, err := links.QR(links.URL(s.PublicURL, l.token))
	if err != nil {
		return err
	}
	page.QR = template.HTML(code) //nolint:gosec // our own drawing, without a byte of the text in it
	return s.SendPage(c, http.StatusOK, "link", page.Frame, page)
}

// momentOf is a time in the zone of the link's provider.
func (s *Public) momentOf(at time.Time, l followed, language string) templates.Moment {
	return templates.Moment{At: at, Text: s.Pages.Moment(at, l.Settings.Provider.Zone(), language)}
}

// useLink is the button of a link's page: the only thing that counts as a use. In
// the window that a use opens, it is free.
func (s *Public) useLink(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	ctx := c.Request().Context()
	if l.until.IsZero() {
		pass, err := s.links.Use(ctx, l.Link)
		if errors.Is(err, links.ErrSpent) {
			if l.Link, err = s.links.Find(ctx, l.token); err == nil {
				err = links.ErrSpent
			}
			return s.linkGone(c, l, err)
		} else if err != nil {
			return directory.Unavailable(err)
		}
		c.SetCookie(&http.Cookie{ //nolint:gosec // plain http only on loopback
			Name: linkCookie, Value: pass, Path: "/s/" + l.token, MaxAge: int(links.Window.Seconds()),
			HttpOnly: true, Secure: s.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
		})
	}
	device := links.DeviceOf(c.Request().UserAgent())
	target := "/s/" + l.token + "?device=" + string(guide.Device(c.FormValue("device"), c.Request().UserAgent()))
	if c.FormValue("do") == "profile" {
		target = "/s/" + l.token + "/profile"
	} else {
		s.noteLink(ctx, l.Link, links.Shown, device)
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// linkProfile is the profile behind a link, for a browser in its window.
func (s *Public) linkProfile(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	if l.until.IsZero() {
		return c.Redirect(http.StatusSeeOther, "/s/"+l.token)
	}
	f := s.NewFrame(c, web.BrandOf(l.Settings.Provider), l.Language)
	if c.Request().Method == http.MethodGet {
		s.noteLink(c.Request().Context(), l.Link, links.Download, links.DeviceOf(c.Request().UserAgent()))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.sendProfile(c, &l.Answer, f.Lang)
}

// noteFor bounds how long a page waits for its look to be noted.
const noteFor = time.Second

// noteLink notes what was done with a link, if it can be: a full disk, or an import
// that others wait for, keeps nobody from what the link shows. Its use is another matter.
func (s *Public) noteLink(ctx context.Context, l links.Link, kind links.Kind, device links.Device) {
	ctx, cancel := context.WithTimeout(ctx, noteFor)
	defer cancel()
	if err := s.links.Record(ctx, l, kind, device); err != nil {
		s.Logger.Warn("what was done with a link can't be noted", "kind", string(kind), "error", err)
	}
}
