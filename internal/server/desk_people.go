package server

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/staff"
)

type peoplePage struct {
	frame
	People []personRow
	Self   string
	// Password is a new one, shown once, of Whose.
	Password, Whose string
	Problem         string
}

type personRow struct {
	staff.Person
	Locked bool
}

func (s *Server) peoplePage(c echo.Context) error { return s.showPeople(c, peoplePage{}) }

func (s *Server) showPeople(c echo.Context, page peoplePage) error {
	people, err := s.Desk.Store.People(c.Request().Context())
	if err != nil {
		return unavailable(err)
	}
	for _, p := range people {
		if governs(person(c), p) {
			page.People = append(page.People, personRow{p, s.Now().Before(p.LockedUntil)})
		}
	}
	page.frame, page.Self = s.staffFrame(c), person(c).ID
	status := http.StatusOK
	if page.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return s.sendFramed(c, status, "people", page.frame, page)
}

// governs tells whether an administrator's domains are all of a person's.
func governs(admin, p staff.Person) bool {
	a := admin.Actor()
	return !slices.ContainsFunc(p.Domains, func(d string) bool { return !a.Serves(d) })
}

func (s *Server) addPerson(c echo.Context) error {
	ctx := c.Request().Context()
	domains := strings.Fields(c.FormValue("domains"))
	if !governs(person(c), staff.Person{Domains: domains}) {
		return staff.ErrForbidden
	}
	password, p, err := s.Desk.Add(ctx, actor(c), c.FormValue("name"), staff.Role(c.FormValue("role")), domains)
	if errors.Is(err, staff.ErrExists) || err != nil && p.ID == "" {
		return s.showPeople(c, peoplePage{Problem: err.Error()})
	} else if err != nil {
		return err
	}
	return s.showPeople(c, peoplePage{Password: password, Whose: p.Name})
}

// governed finds the person of a form, whom this administrator may change.
func (s *Server) governed(c echo.Context) (staff.Person, error) {
	p, err := s.Desk.Store.Person(c.Request().Context(), c.Param("id"))
	if err == nil && !governs(person(c), p) {
		err = staff.ErrUnknown
	}
	return p, err
}

func (s *Server) removePerson(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.governed(c)
	if err != nil {
		return err
	}
	if p.ID == person(c).ID {
		return s.showPeople(c, peoplePage{Problem: s.pages.Say("staff.people.itself", s.staffFrame(c).language)})
	}
	if err := s.Desk.Remove(ctx, actor(c), p); err != nil {
		return unavailable(err)
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/people")
}

func (s *Server) resetPerson(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.governed(c)
	if err != nil {
		return err
	}
	if p.Issuer != "" || p.ID == person(c).ID {
		return staff.ErrForbidden
	}
	password, err := s.Desk.Reset(ctx, actor(c), p)
	if err != nil {
		return err
	}
	return s.showPeople(c, peoplePage{Password: password, Whose: p.Name})
}
