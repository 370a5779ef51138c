package server

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

// linkPage is a setup link's page: before a use it says for whom it is, and after
// one everything.
type linkPage struct {
	frame
	Address string
	Until   string
	Left    int
	// Apple: a profile can set this device up.
	Apple   bool
	Device  links.Device
	Devices []links.Device
	QR      template.HTML
	Guide   *guide
}

// gonePage says that a link doesn't work, and whom to ask.
type gonePage struct {
	frame
	State string
}

const linkCookie = "setup"

// followed is a link that was asked for, with what it is about.
type followed struct {
	links.Link
	token string
	typed settings.Address
	answer
	found directory.Found
	// until is when the window of this browser ends; zero if it has none.
	until time.Time
}

// follow finds the link of a request. Whoever guesses too often is sent away
// before anything is looked up.
func (s *Server) follow(c echo.Context) (followed, error) {
	c.Response().Header().Set("Cache-Control", "no-store") // of redirects too: the path is a secret
	ctx, client := c.Request().Context(), web.ClientOf(c)
	if s.guesses.Spent(ctx, client) {
		return followed{}, web.ErrTooMany
	}
	l, err := s.Links.Find(ctx, c.Param("token"))
	if errors.Is(err, links.ErrUnknown) {
		if !s.guesses.Failed(ctx, client) {
			return followed{}, web.ErrTooMany
		}
		return followed{}, links.ErrUnknown
	} else if err != nil {
		return followed{}, unavailable(err)
	}
	f := followed{Link: l, token: c.Param("token")}
	if f.typed, err = settings.ParseAddress(l.Address); err != nil { // forgotten
		return f, links.ErrSpent
	}
	if f.answer, f.found, err = s.personal(ctx, f.typed); errors.Is(err, directory.ErrNotFound) {
		return f, links.ErrSpent // its domain is served no more
	} else if err != nil {
		return f, err
	}
	if cookie, err := c.Cookie(linkCookie); err == nil {
		f.until = s.Links.Passes(l, cookie.Value)
	}
	return f, nil
}

// linkGone answers what can't be followed.
func (s *Server) linkGone(c echo.Context, l followed, err error) error {
	b := brand{Name: "autoconfig"}
	if l.entry != nil {
		b = brandOf(l.settings.Provider)
	}
	f := s.newFrame(c, b, l.Language)
	switch {
	case errors.Is(err, links.ErrUnknown):
		return s.sendFramed(c, http.StatusNotFound, "gone", f, gonePage{f, "unknown"})
	case errors.Is(err, links.ErrSpent):
		state := s.Links.StateOf(l.Link)
		if state == links.Open { // of an account that isn't there any more
			state = links.Revoked
		}
		return s.sendFramed(c, http.StatusGone, "gone", f, gonePage{f, string(state)})
	}
	return err
}

// link shows a link's page. However often it is looked at, by whatever program,
// no use is counted.
func (s *Server) link(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	device := links.DeviceOf(c.Request().UserAgent())
	page := linkPage{Address: l.Address, Left: l.Uses - l.Used, Device: chosenDevice(c.QueryParam("device"), c.Request().UserAgent()), Devices: links.Devices}
	page.frame = s.newFrame(c, brandOf(l.settings.Provider), l.Language)
	page.Again = []field{{"device", string(page.Device)}}
	if !l.until.IsZero() {
		page.Until = moment(l.until)
		g := s.personalGuide(l.answer, l.found, page.Device, "/s/"+l.token+"/profile")
		page.Guide = &g
		return s.sendFramed(c, http.StatusOK, "link", page.frame, page)
	}
	if s.Links.StateOf(l.Link) != links.Open {
		return s.linkGone(c, l, links.ErrSpent)
	}
	if c.Request().Method == http.MethodGet {
		s.noteLink(c.Request().Context(), l.Link, links.Opened, device)
	}
	page.Until = moment(l.ExpiresAt)
	if _, err := mobileconfig.Render(l.settings); err == nil {
		page.Apple = page.Device == links.IPhone || page.Device == links.Mac
	}
	code, err := links.QR(links.URL(s.PublicURL, l.token))
	if err != nil {
		return err
	}
	page.QR = template.HTML(code) //nolint:gosec // our own drawing, without a byte of the text in it
	return s.sendFramed(c, http.StatusOK, "link", page.frame, page)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// useLink is the button of a link's page: the only thing that counts as a use. In
// the window that a use opens, it is free.
func (s *Server) useLink(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	ctx := c.Request().Context()
	if l.until.IsZero() {
		pass, err := s.Links.Use(ctx, l.Link)
		if errors.Is(err, links.ErrSpent) {
			if l.Link, err = s.Links.Find(ctx, l.token); err == nil {
				err = links.ErrSpent
			}
			return s.linkGone(c, l, err)
		} else if err != nil {
			return unavailable(err)
		}
		c.SetCookie(&http.Cookie{ //nolint:gosec // plain http only on loopback
			Name: linkCookie, Value: pass, Path: "/s/" + l.token, MaxAge: int(links.Window.Seconds()),
			HttpOnly: true, Secure: s.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
		})
	}
	device := links.DeviceOf(c.Request().UserAgent())
	target := "/s/" + l.token + "?device=" + string(chosenDevice(c.FormValue("device"), c.Request().UserAgent()))
	if c.FormValue("do") == "profile" {
		target = "/s/" + l.token + "/profile"
	} else {
		s.noteLink(ctx, l.Link, links.Shown, device)
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// linkProfile is the profile behind a link, for a browser in its window.
func (s *Server) linkProfile(c echo.Context) error {
	l, err := s.follow(c)
	if err != nil {
		return s.linkGone(c, l, err)
	}
	if l.until.IsZero() {
		return c.Redirect(http.StatusSeeOther, "/s/"+l.token)
	}
	f := s.newFrame(c, brandOf(l.settings.Provider), l.Language)
	if c.Request().Method == http.MethodGet {
		s.noteLink(c.Request().Context(), l.Link, links.Download, links.DeviceOf(c.Request().UserAgent()))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.sendProfile(c, l.settings, f.language)
}
