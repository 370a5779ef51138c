package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// tokenOf is what the program holds.
func tokenOf(c echo.Context) staff.Token { t, _ := c.Get(tokenKey).(staff.Token); return t }

// showToken tells a program who it is and what it may do.
func (s *API) showToken(c echo.Context) error { return c.JSON(http.StatusOK, tokenOf(c)) }

// showRecords are the DNS records that a domain should publish.
func (s *API) showRecords(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	plan, err := s.plan(c.Request().Context(), entry.Name)
	if err != nil {
		return directory.Unavailable(err)
	}
	return answer(c, http.StatusOK, struct {
		Domain  string          `json:"domain"`
		Records []doctor.Record `json:"records"`
	}{entry.Name, append([]doctor.Record{}, plan.Records()...)})
}

// orderCheck has a domain checked now; the running services do it in the background.
func (s *API) orderCheck(c echo.Context) error {
	name, err := s.admin.OrderCheck(c.Request().Context(), actor(c), c.Param("domain"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/checks/"+name)
	return c.JSON(http.StatusAccepted, struct {
		Domain string `json:"domain"`
	}{name})
}

// sourceState is how a source fares.
type sourceState struct {
	Name  string     `json:"name"`
	Up    bool       `json:"up"`
	Since *time.Time `json:"down_since,omitempty"`
	Error string     `json:"error,omitempty"`
}

// listSources tells how the sources fare, our own database first. Errors name servers
// and tables: they are for those who serve everything.
func (s *API) listSources(c echo.Context) error {
	if actor(c).Bounds() != nil {
		return staff.ErrForbidden
	}
	own := s.Directory.Health()
	own.Name = "database"
	all := []sourceState{}
	for _, h := range append([]directory.Health{own}, s.Directory.Sources()...) {
		state := sourceState{Name: h.Name, Up: h.Err == nil}
		if h.Err != nil {
			state.Since, state.Error = &h.Since, h.Err.Error()
		}
		all = append(all, state)
	}
	return c.JSON(http.StatusOK, struct {
		Sources []sourceState `json:"sources"`
	}{all})
}

// allOf reads plans or providers. They are of all customers, and so for those who serve
// everything.
func allOf[T any](c echo.Context, read func(context.Context) ([]T, error)) ([]T, error) {
	if actor(c).Bounds() != nil {
		return nil, staff.ErrForbidden
	}
	all, err := read(c.Request().Context())
	return all, directory.Unavailable(err)
}

func (s *API) listPlans(c echo.Context) error {
	all, err := allOf(c, s.Site.Plans)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, struct {
		Plans []policy.Plan `json:"plans"`
	}{append([]policy.Plan{}, all...)})
}

func (s *API) showPlan(c echo.Context) error {
	all, err := allOf(c, s.Site.Plans)
	if err != nil {
		return err
	}
	return oneOf(c, all, func(p policy.Plan) bool { return p.Name == unescaped(c.Param("name")) })
}

func oneOf[T any](c echo.Context, all []T, is func(T) bool) error {
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return directory.ErrNotFound
	}
	return answer(c, http.StatusOK, all[i])
}

// changePlan stores a plan, whole or in part.
func (s *API) changePlan(c echo.Context) error {
	name := unescaped(c.Param("name"))
	change, err := changeIn[policy.Plan](c)
	if err != nil {
		return err
	}
	return change.answer(s.admin.PutPlan(c.Request().Context(), actor(c), name,
		change.then(func(p *policy.Plan) error { return isNamed("name", &p.Name, name) })))
}

func (s *API) listProviders(c echo.Context) error {
	all, err := allOf(c, s.Site.Providers)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, struct {
		Providers []settings.Provider `json:"providers"`
	}{append([]settings.Provider{}, all...)})
}

func (s *API) showProvider(c echo.Context) error {
	all, err := allOf(c, s.Site.Providers)
	if err != nil {
		return err
	}
	return oneOf(c, all, func(p settings.Provider) bool { return p.ID == unescaped(c.Param("id")) })
}

// changeProvider stores a provider, whole or in part.
func (s *API) changeProvider(c echo.Context) error {
	id := unescaped(c.Param("id"))
	change, err := changeIn[settings.Provider](c)
	if err != nil {
		return err
	}
	return change.answer(s.admin.PutProvider(c.Request().Context(), actor(c), id,
		change.then(func(p *settings.Provider) error { return isNamed("id", &p.ID, id) })))
}

// isNamed gives a thing the path's name, and refuses another one; member is where a body
// has it.
func isNamed(member string, has *string, name string) error {
	if *has != "" && *has != name {
		return field(member, fmt.Errorf("%w: the %s in the body and the one in the path must be the same", errJSON, member))
	}
	*has = name
	return nil
}
