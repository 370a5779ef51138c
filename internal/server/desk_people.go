package server

import (
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
	password, p, err := s.Desk.Add(ctx, c.FormValue("name"), staff.Role(c.FormValue("role")), domains)
	if errors.Is(err, staff.ErrExists) || err != nil && p.ID == "" {
		return s.showPeople(c, peoplePage{Problem: err.Error()})
	} else if err != nil {
		return err
	}
	if err := s.Desk.Log(ctx, actor(c), "person added", p.Name, "", string(p.Role)+" of "+strings.Join(domains, " ")); err != nil {
		return unavailable(err)
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
	if err := s.Desk.Store.RemovePerson(ctx, p.ID); err != nil {
		return unavailable(err)
	}
	if err := s.Desk.Log(ctx, actor(c), "person removed", p.Name, "", ""); err != nil {
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
	password, err := s.Desk.Reset(ctx, p)
	if err != nil {
		return err
	}
	if err := s.Desk.Log(ctx, actor(c), "password reset", p.Name, "", ""); err != nil {
		return unavailable(err)
	}
	return s.showPeople(c, peoplePage{Password: password, Whose: p.Name})
}

// entriesAtOnce is how many entries a page of the audit log shows.
const entriesAtOnce = 100

type auditPage struct {
	frame
	Entries []entryRow
	Older   int64
}

type entryRow struct {
	staff.Entry
	On string
}

func (s *Server) auditPage(c echo.Context) error {
	before, _ := strconv.ParseInt(c.QueryParam("before"), 10, 64) // 0 is the first page
	entries, err := s.Desk.Store.Entries(c.Request().Context(), staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: entriesAtOnce})
	if err != nil {
		return unavailable(err)
	}
	page := auditPage{frame: s.staffFrame(c)}
	for _, e := range entries {
		page.Entries = append(page.Entries, entryRow{e, moment(e.At)})
	}
	if len(entries) == entriesAtOnce {
		page.Older = entries[entriesAtOnce-1].ID
	}
	return s.sendFramed(c, http.StatusOK, "audit", page.frame, page)
}

// auditExport writes all entries as CSV, latest first. A cell that a spreadsheet
// would take for a formula gets a quote in front (OWASP, CSV injection).
func (s *Server) auditExport(c echo.Context) error {
	ctx := c.Request().Context()
	h := c.Response().Header()
	pageHeaders(h)
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	if err := s.Desk.Log(ctx, actor(c), "audit log exported", "", "", ""); err != nil {
		return unavailable(err)
	}
	w := csv.NewWriter(c.Response())
	_ = w.Write([]string{"id", "at", "actor", "action", "subject", "domain", "detail"})
	for before := int64(0); ; {
		entries, err := s.Desk.Store.Entries(ctx, staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: entriesAtOnce})
		if err != nil {
			return err // the answer ends in the middle, which a reader sees
		}
		for _, e := range entries {
			before = e.ID
			row := []string{strconv.FormatInt(e.ID, 10), e.At.Format(time.RFC3339), e.Actor, e.Action, e.Subject, e.Domain, e.Detail}
			for i, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					row[i] = "'" + cell
				}
			}
			_ = w.Write(row)
		}
		w.Flush()
		if len(entries) < entriesAtOnce {
			return w.Error()
		}
	}
}
