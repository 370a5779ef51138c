package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/links"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// setupPage is the page for everyone: it asks for an address, and says what to do.
type setupPage struct {
	web.Frame
	Address, Typed, Problem string
	Device                  links.Device
	Devices                 []links.Device
	Guide                   guide.Guide
}

// setupForm asks for an address.
func (s *Public) setupForm(c echo.Context) error {
	b, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	f := s.NewFrame(c, b, "")
	device := guide.Device("", c.Request().UserAgent())
	return s.SendKeptPage(c, http.StatusOK, "setup", f, device, func() any {
		return setupPage{Frame: f, Device: device, Devices: links.Devices}
	})
}

// setupAnswer says what to do for the address. It is posted, so that addresses stay out
// of logs and of the browser's history.
func (s *Public) setupAnswer(c echo.Context) error {
	text := c.FormValue("address")
	page := setupPage{Typed: web.FirstBytes(text, settings.MaxAddress), Device: guide.Device(c.FormValue("device"), c.Request().UserAgent()), Devices: links.Devices}
	typed, err := settings.ParseAddress(text)
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
	page.Frame = s.NewFrame(c, web.BrandOf(a.Settings.Provider), "")
	page.Method, page.Again = "post", []web.Field{{Name: "address", Value: typed.String()}, {Name: "device", Value: string(page.Device)}}
	page.Address, page.Guide = typed.String(), guide.Public(a, page.Device)
	page.Guide.Unsigned = s.identity() == nil
	return s.SendPage(c, http.StatusOK, "setup", page.Frame, page)
}

func (s *Public) setupProblem(c echo.Context, page setupPage, problem string) error {
	b, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	page.Frame, page.Problem = s.NewFrame(c, b, ""), problem
	return s.SendPage(c, http.StatusUnprocessableEntity, "setup", page.Frame, page)
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

// hostBrand is that of the domain whose name the Host is, if there is one.
func (s *Public) hostBrand(ctx context.Context, host string) (web.Brand, error) {
	a, err := s.ForHost(ctx, host)
	switch {
	case err == nil:
		return web.BrandOf(a.Settings.Provider), nil
	case errors.Is(err, directory.ErrNotFound):
		return web.Brand{Name: "autoconfig"}, nil
	}
	return web.Brand{}, err
}
