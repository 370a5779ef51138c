package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/links"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// setupPage is the page for everyone. It asks for one thing at a time: the address, the
// device where the browser doesn't say it, the program; then it says what to do.
type setupPage struct {
	web.Frame
	// Domain is the one that the Host names: only the part before the @ must be typed.
	Address, Typed, Domain, Problem string
	choice
	// Tell: a script must tell whether it is an iPad that calls itself a Mac.
	Tell bool
}

// choice is how far a person has come on the way to the steps of one program.
type choice struct {
	// Device is what the person chose, or what the browser says; "" if that is a Mac, since
	// an iPad says so too.
	Device  links.Device
	Devices []links.Device
	// Program is a word of [guide.Guide.Choose]; Ask is what is asked for now: "device",
	// "program", or "" where the steps are shown.
	Program, Ask string
	Guide        *guide.Guide
}

// bothApples are what a browser may be that says it is a Mac.
var bothApples = []links.Device{links.Mac, links.IPhone}

// chosenIn reads what was chosen, and what a person goes back to.
func chosenIn(c echo.Context) choice {
	way := choice{
		Device: links.Device(c.FormValue("device")), Devices: links.Devices,
		Program: c.FormValue("program"), Ask: c.FormValue("change"),
	}
	if !slices.Contains(links.Devices, way.Device) {
		way.Device = guide.Device("", c.Request().UserAgent())
		if way.Device == links.Mac {
			way.Device, way.Devices = "", bothApples
		}
	}
	return way
}

// of is the choice with a guide of the device, and what has to be asked for next.
func (w choice) of(g guide.Guide) choice {
	g.Choose(w.Program)
	w.Program, w.Guide = g.Program(), &g
	switch {
	case w.Device == "" || w.Ask == "device":
		w.Ask = "device"
	case w.Program == "" || w.Ask == "program":
		w.Ask = "program"
	default:
		w.Ask = ""
	}
	return w
}

// setupForm asks for an address.
func (s *Public) setupForm(c echo.Context) error {
	b, domain, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	f := s.NewFrame(c, b, "")
	mac := guide.Device("", c.Request().UserAgent()) == links.Mac
	return s.SendKeptPage(c, http.StatusOK, "setup", f, askedWith{domain != "", mac}, domain, func() any {
		page := setupPage{Frame: f, Tell: mac}
		if domain != "" {
			page.Domain = web.Gap
		}
		return page
	})
}

// askedWith is what makes one form that asks for an address differ from another, but for
// the domain itself: a hoster has thousands.
type askedWith struct{ domain, mac bool }

// setupAnswer leads on from the address. It is posted, so that addresses stay out
// of logs and of the browser's history.
func (s *Public) setupAnswer(c echo.Context) error {
	text := c.FormValue("address")
	page := setupPage{Typed: web.FirstBytes(text, settings.MaxAddress), choice: chosenIn(c)}
	if c.FormValue("change") == "address" {
		return s.setupAgain(c, page, http.StatusOK)
	}
	typed, err := s.typedAt(c, text)
	if err != nil {
		return s.setupProblem(c, page, "setup.bad_address")
	}
	a, err := s.ForAddress(c.Request().Context(), typed)
	n := noted{format: formatPage, typed: typed}
	n.become(&a, err)
	s.note(c, &n)
	if errors.Is(err, directory.ErrNotFound) {
		return s.setupProblem(c, page, "setup.unknown_domain")
	} else if err != nil {
		return err
	}
	g := guide.Public(a, page.Device)
	g.Unsigned = s.identity() == nil
	page.Frame = s.NewFrame(c, web.BrandOf(a.Settings.Provider), "")
	page.Address, page.choice = typed.String(), page.of(g)
	page.Method, page.Again = "post", append([]web.Field{{Name: "address", Value: page.Address}}, page.again()...)
	return s.SendPage(c, http.StatusOK, "setup", page.Frame, page)
}

// again are the fields by which the same page is asked for.
func (w choice) again() []web.Field {
	return []web.Field{
		{Name: "device", Value: string(w.Device)}, {Name: "program", Value: w.Program}, {Name: "change", Value: w.Ask},
	}
}

// typedAt is what was typed as an address. Where the Host names a domain, the part before
// the @ is enough.
func (s *Public) typedAt(c echo.Context, text string) (settings.Address, error) {
	typed, err := settings.ParseAddress(text)
	if err == nil || strings.ContainsAny(text, "@\uFF20") {
		return typed, err
	}
	_, domain, failed := s.hostBrand(c.Request().Context(), c.Request().Host)
	if failed != nil || domain == "" {
		return typed, err
	}
	return settings.ParseAddress(strings.TrimSpace(text) + "@" + domain)
}

// setupAgain asks for the address again, and forgets nothing.
func (s *Public) setupAgain(c echo.Context, page setupPage, status int) error {
	b, domain, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	page.Frame, page.Domain = s.NewFrame(c, b, ""), domain
	page.Ask, page.Tell = "address", page.Device == ""
	page.Method, page.Again = "post", append([]web.Field{{Name: "address", Value: page.Typed}}, page.again()...)
	return s.SendPage(c, status, "setup", page.Frame, page)
}

func (s *Public) setupProblem(c echo.Context, page setupPage, problem string) error {
	page.Problem = problem
	return s.setupAgain(c, page, http.StatusUnprocessableEntity)
}

// toPeople says on a page that the service can't answer now: a person can't do
// anything with the text that is for programs.
func (s *Public) toPeople(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		if s.RefusalOf(refusals, err).Status != http.StatusServiceUnavailable {
			return err
		}
		s.LogFailure(c, http.StatusServiceUnavailable, err)
		c.Response().Header().Set("Retry-After", "60")
		f := s.NewFrame(c, web.Brand{Name: "autoconfig"}, "")
		return s.SendPage(c, http.StatusServiceUnavailable, "later", f, struct{ web.Frame }{f})
	}
}

// hostBrand is that of the domain whose name the Host is, if there is one, and the domain
// as people read it.
func (s *Public) hostBrand(ctx context.Context, host string) (web.Brand, string, error) {
	a, err := s.ForHost(ctx, host)
	switch {
	case err == nil:
		return web.BrandOf(a.Settings.Provider), settings.UnicodeDomain(a.Entry.Name), nil
	case errors.Is(err, directory.ErrNotFound):
		return web.Brand{Name: "autoconfig"}, "", nil
	}
	return web.Brand{}, "", err
}
