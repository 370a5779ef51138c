package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/settings"
)

// setupPage is the page for everyone: it asks for an address, and says what to do.
type setupPage struct {
	frame
	Address, Typed, Problem string
	Device                  links.Device
	Devices                 []links.Device
	Guide                   guide
}

// setup asks for an address.
func (s *Server) setup(c echo.Context) error {
	b, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	f := s.newFrame(c, b, "")
	return s.sendFramed(c, http.StatusOK, "setup", f, setupPage{frame: f, Device: chosenDevice("", c.Request().UserAgent()), Devices: links.Devices})
}

// setUp says what to do for the address. It is posted, so that addresses stay out
// of logs and of the browser's history.
func (s *Server) setUp(c echo.Context) error {
	text := strings.TrimSpace(c.FormValue("address"))
	page := setupPage{Typed: firstBytes(text, settings.MaxAddress), Device: chosenDevice(c.FormValue("device"), c.Request().UserAgent()), Devices: links.Devices}
	typed, err := settings.ParseAddress(text)
	if err != nil {
		return s.setupProblem(c, page, "setup.bad_address")
	}
	a, err := s.forAddress(c.Request().Context(), typed)
	if errors.Is(err, directory.ErrNotFound) {
		return s.setupProblem(c, page, "setup.unknown_domain")
	} else if err != nil {
		return err
	}
	page.frame = s.newFrame(c, brandOf(a.settings.Provider), "")
	page.Method, page.Again = "post", []field{{"address", typed.String()}, {"device", string(page.Device)}}
	page.Address, page.Guide = typed.String(), s.publicGuide(a, page.Device)
	return s.sendFramed(c, http.StatusOK, "setup", page.frame, page)
}

func (s *Server) setupProblem(c echo.Context, page setupPage, problem string) error {
	b, err := s.hostBrand(c.Request().Context(), c.Request().Host)
	if err != nil {
		return err
	}
	page.frame, page.Problem = s.newFrame(c, b, ""), problem
	return s.sendFramed(c, http.StatusUnprocessableEntity, "setup", page.frame, page)
}

// toPeople says on a page that the service can't answer now: a person can't do
// anything with the text that is for programs.
func (s *Server) toPeople(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		if status, _ := s.publicly(err); status != http.StatusServiceUnavailable {
			return err
		}
		s.logFailure(c, http.StatusServiceUnavailable, err)
		c.Response().Header().Set("Retry-After", "60")
		f := s.newFrame(c, brand{Name: "autoconfig"}, "")
		return s.sendFramed(c, http.StatusServiceUnavailable, "later", f, struct{ frame }{f})
	}
}

// firstBytes cuts a text, at a character's end.
func firstBytes(text string, n int) string {
	for len(text) > n {
		text = text[:len(text)-1]
	}
	return strings.ToValidUTF8(text, "")
}
