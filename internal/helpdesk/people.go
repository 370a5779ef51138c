package helpdesk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

type peoplePage struct {
	web.Frame
	People []personRow
	Self   string
	// Password is a new one, shown once, of Whose.
	Password, Whose string
	Problem         string
	Said            string // what was just done, as a key of a text
}

type personRow struct {
	staff.Person
	Locked bool
}

func (s *Desk) peoplePage(c echo.Context) error {
	done, _ := said(c)
	once := s.toShow(c, "/helpdesk/people")
	return s.showPeople(c, peoplePage{Said: done, Password: once.Get("password"), Whose: once.Get("whose")})
}

func (s *Desk) showPeople(c echo.Context, page peoplePage) error {
	people, err := s.admin.People(c.Request().Context(), actor(c))
	if err != nil {
		return directory.Unavailable(err)
	}
	for _, p := range people {
		page.People = append(page.People, personRow{p, s.Now().Before(p.LockedUntil)})
	}
	page.Frame, page.Self = s.staffFrame(c), person(c).ID
	if page.Password != "" {
		page.Method = "" // what is shown only once can't be asked for again
	}
	status := http.StatusOK
	if page.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return s.SendPage(c, status, "people", page.Frame, page)
}

func (s *Desk) addPerson(c echo.Context) error {
	domains := strings.Fields(c.FormValue("domains"))
	for i, d := range domains {
		if name, err := settings.ParseDomain(d); err == nil {
			domains[i] = name // else it isn't served
		}
	}
	password, p, err := s.admin.AddPerson(c.Request().Context(), actor(c), c.FormValue("name"),
		staff.Role(c.FormValue("role")), domains)
	if foreign := (admin.NotServed{}); errors.As(err, &foreign) {
		lang := s.staffFrame(c).Lang
		problem := s.Pages.Text(settings.Message{
			Key: "staff.search.foreign", Args: map[string]string{"domain": foreign.Domain},
		}, lang)
		if near := s.admin.Near(c.Request().Context(), actor(c), foreign.Domain); near != "" {
			problem += " " + s.Pages.Say("staff.search.near", lang) + " " + near
		}
		return s.showPeople(c, peoplePage{Problem: problem})
	} else if errors.Is(err, staff.ErrExists) || errors.Is(err, staff.ErrPerson) {
		return s.showPeople(c, peoplePage{Problem: err.Error()})
	} else if err != nil {
		return err
	}
	return s.showOnce(c, "/helpdesk/people", url.Values{"password": {password}, "whose": {p.Name}})
}

func (s *Desk) removePerson(c echo.Context) error {
	err := s.admin.RemovePerson(c.Request().Context(), actor(c), c.Param("id"))
	if errors.Is(err, admin.ErrItself) {
		return s.showPeople(c, peoplePage{Problem: s.Pages.Say("staff.people.itself", s.staffFrame(c).Lang)})
	} else if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/helpdesk/people?said=person_removed")
}

func (s *Desk) resetPerson(c echo.Context) error {
	password, p, err := s.admin.ResetPerson(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.showOnce(c, "/helpdesk/people", url.Values{"password": {password}, "whose": {p.Name}})
}
