package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/doctor"
)

// Checks gives the last results of checking domains.
type Checks interface {
	Check(ctx context.Context, name string) (doctor.Result, error)
	// Checks are those of domains, by their primary names, or of all if it is nil.
	Checks(ctx context.Context, domains []string, after string, limit int) ([]doctor.Result, error)
}

const (
	listAtOnce = 100
	listMost   = 1000
)

// listChecks answers the last results in pages: ?after= is the last name of the
// page before, ?limit= at most 1000.
func (s *API) listChecks(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	results, err := s.Checks.Checks(c.Request().Context(), actor(c).Bounds(), c.QueryParam("after"), limit)
	if err != nil {
		return err
	}
	page := struct {
		Checks []checked `json:"checks"`
		After  string    `json:"after,omitempty"`
	}{Checks: []checked{}}
	for _, r := range results {
		page.Checks = append(page.Checks, checked{State: r.Report.State(), Result: r})
	}
	if len(results) == limit {
		page.After = results[limit-1].Report.Domain
	}
	return c.JSON(http.StatusOK, page)
}

// checked is a result with its state.
type checked struct {
	State string `json:"state"`
	doctor.Result
}

func (s *API) showCheck(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	r, err := s.Checks.Check(c.Request().Context(), entry.Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, checked{State: r.Report.State(), Result: r})
}
