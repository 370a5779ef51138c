package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

var (
	errOtherHost    = errors.New("a name that isn't this service's")
	errPrivateHost  = errors.New("a name that the private listener isn't known by")
	errOtherOrigin  = errors.New("a request by another site's page")
	errBadForm      = errors.New("not a form of ours")
	errBadText      = errors.New("a text that is not UTF-8 or has a NUL character")
	errBadLimit     = errors.New("not a limit")
	errNoAddress    = errors.New("no address was given")
	errNoDomainName = errors.New("not a domain name")
	errTooLarge     = errors.New("request body over the limit")
	errPostOnly     = errors.New("a request to Autodiscover without an address must be posted")
	errNoService    = errors.New("the domain has no such service")
	errUnavailable  = errors.New("the directory can't be asked")
	errPanic        = errors.New("panic")
)

// refusals maps every error to what the public may see of it. The first that
// matches holds; anything else is a 500 and logged.
var refusals = []struct {
	err    error
	status int
	public string
}{
	{errNoAddress, http.StatusBadRequest, "The request has no emailaddress."},
	{settings.ErrAddress, http.StatusBadRequest, "The emailaddress is not a mail address."},
	{errOtherHost, http.StatusForbidden, "This service isn't reached by that name."},
	{errPrivateHost, http.StatusForbidden, "The private listener isn't reached by that name; admin_hosts permits it."},
	{errOtherOrigin, http.StatusForbidden, "This was sent by another site."},
	{errBadForm, http.StatusBadRequest, "What was sent is not a form of this page."},
	{errBadText, http.StatusBadRequest, "The request has a text that is not UTF-8, or has a NUL character."},
	{errBadLimit, http.StatusBadRequest, "The limit must be 1 to 1000."},
	{errNoDomainName, http.StatusBadRequest, "That is not a domain name."},
	{directory.ErrNotFound, http.StatusNotFound, "There is no configuration for this domain here."},
	{errNoService, http.StatusNotFound, "This domain has no such service."},
	{thunderbird.ErrLogin, http.StatusNotFound, "There is no configuration for this address in this format."},
	{mobileconfig.ErrPlaintext, http.StatusUnprocessableEntity, "This account can't be set up by a profile."},
	{mobileconfig.ErrAuth, http.StatusUnprocessableEntity, "This account can't be set up by a profile."},
	{errPostOnly, http.StatusMethodNotAllowed, "Send an Autodiscover request by POST."},
	{autodiscover.ErrNoLogin, http.StatusMethodNotAllowed, "Send an Autodiscover request by POST."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "The request is too large."},
	{web.ErrTooMany, http.StatusTooManyRequests, "Too many requests; try again in a minute."},
	{errUnavailable, http.StatusServiceUnavailable, "The service can't answer now; try again in a minute."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "The service can't answer now; try again in a minute."},
	{context.Canceled, statusGone, ""}, // the client went away: Thunderbird cuts requests that lost its race
}

// statusGone is what the log says where the client didn't wait.
const statusGone = 499

// refuse is echo's error handler.
func (s *Server) refuse(err error, c echo.Context) {
	if c.Response().Committed {
		if errors.Is(err, errPanic) {
			s.logFailure(c, c.Response().Status, err)
			panic(http.ErrAbortHandler) // so that nobody takes what is there for whole
		}
		return
	}
	status, public := s.publicly(err)
	if status >= http.StatusInternalServerError {
		s.logFailure(c, status, err)
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	switch status {
	case http.StatusMethodNotAllowed:
		if header.Get("Allow") == "" || errors.Is(err, errPostOnly) || errors.Is(err, autodiscover.ErrNoLogin) {
			header.Set("Allow", http.MethodPost)
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", "60")
	}
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status)
		return
	}
	_ = c.String(status, public+web.DeltaChatStop)
}

func (s *Server) logFailure(c echo.Context, status int, err error) {
	s.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
		slog.String("route", c.Path()), slog.Int("status", status), slog.String("error", err.Error()))
}

// publicly is what the public may see of an error.
func (s *Server) publicly(err error) (status int, text string) {
	if i := s.refusal(err); i >= 0 {
		return refusals[i].status, refusals[i].public
	}
	if routed := new(echo.HTTPError); errors.As(err, &routed) {
		return routed.Code, http.StatusText(routed.Code) + "."
	}
	if i := s.refusal(s.blamed(err)); i >= 0 {
		return refusals[i].status, refusals[i].public
	}
	return http.StatusInternalServerError, "Something went wrong here."
}

func (s *Server) refusal(err error) int {
	for i, r := range refusals {
		if errors.Is(err, r.err) {
			return i
		}
	}
	return -1
}

// requestTimeout bounds what a request may ask our own database for, where it does
// so by itself: a database that hangs would keep every request and its connection.
// It is shorter than the time for writing an answer. downTimeout is for one that is
// known to be down.
const (
	requestTimeout = 10 * time.Second
	downTimeout    = 2 * time.Second
)

const unboundedKey = "unbounded"

// unbounded is a request's context without the bound, for an answer that goes on as
// long as it is read.
func unbounded(c echo.Context) context.Context {
	if ctx, ok := c.Get(unboundedKey).(context.Context); ok {
		return ctx
	}
	return c.Request().Context()
}

// bounded ends what a request waits for.
func (s *Server) bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		timeout := requestTimeout
		if s.Directory.Health().Err != nil {
			timeout = downTimeout
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), timeout)
		defer cancel()
		c.Set(unboundedKey, c.Request().Context())
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// blamed says of an error that nothing else is known of that our own database is
// down, if it is.
func (s *Server) blamed(err error) error {
	if s.Directory.Health().Err != nil || errors.Is(err, context.DeadlineExceeded) {
		return unavailable(err)
	}
	return err
}

func isNotFound(err error) bool {
	return errors.Is(err, directory.ErrNotFound) || errors.Is(err, links.ErrUnknown) || errors.Is(err, staff.ErrUnknown)
}

func isBad(err error) bool {
	return errors.Is(err, errBadForm) || errors.Is(err, errBadText) || errors.Is(err, settings.ErrAddress) || errors.Is(err, links.ErrOrder)
}
