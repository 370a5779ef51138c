package helpdesk

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// How many entries of the audit log a page shows, and how many are read at once for an
// export.
const (
	entriesAtOnce = 100
	exportAtOnce  = 1000
)

type auditPage struct {
	web.Frame
	Entries []entryRow
	// Who, What, About, From and To are the filter as it was typed, Filter the same as a
	// query; Bad says that a date can't be read.
	Who, What, About, From, To string
	Filter                     string
	Bad                        bool
	Actions                    []string
	// Older is the query of the next page, "" on the last one.
	Older string
}

// auditActions are those that are offered; the log may have others, of older versions.
var auditActions = []string{
	"account added", "account changed", "account removed", "account shown", "accounts imported",
	"address forgotten", "audit log exported", "certificate ordered", "certificate revoked", "check ordered",
	"domain added", "domain changed", "domain removed", "domains imported", "link made", "link made and sent",
	"link revoked", "link sent", "override changed", "override removed", "PACC document changed",
	"passkey added", "passkey removed",
	"password changed", "password reset", "person added", "person removed", "plan added",
	"plan changed", "provider added", "provider changed", "recovery codes made", "second factor set up", "secret accepted",
	"signed in", "signed out", "site applied", "token made", "token revoked", "welcome sent",
}

// filter reads what entries are asked for.
func (p *auditPage) filter(c echo.Context) (f staff.EntryFilter) {
	text := func(name string) string {
		return strings.TrimSpace(web.FirstBytes(c.QueryParam(name), settings.MaxAddress))
	}
	p.Who, p.What, p.About, p.From, p.To = text("who"), text("what"), text("about"), text("from"), text("to")
	f = staff.EntryFilter{Domains: actor(c).Bounds(), Actor: p.Who, Action: p.What, About: p.About}
	if address, err := settings.ParseAddress(p.About); err == nil {
		f.About = address.String()
	} else if domain, err := settings.ParseDomain(p.About); err == nil {
		f.About = domain
	}
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		p.Bad = p.Bad || err != nil && text != ""
		return at
	}
	f.Since = day(p.From)
	if f.Until = day(p.To); !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1) // the whole day
	}
	query := url.Values{}
	for name, value := range map[string]string{
		"who": p.Who, "what": p.What, "about": p.About, "from": p.From,
		"to": p.To,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	p.Filter = query.Encode()
	return f
}

type entryRow struct {
	staff.Entry
	On string
	// Whose tells people of one name apart: who vouches for them, and their identity.
	Whose string
}

func whose(e staff.Entry) string {
	if e.ActorID == "" {
		return ""
	}
	if !strings.HasPrefix(e.Actor, "staff:") {
		return e.ActorID
	}
	by := "local"
	if e.Issuer != "" {
		by = e.Issuer
		if u, err := url.Parse(e.Issuer); err == nil && u.Host != "" {
			by = u.Host + strings.TrimRight(u.Path, "/")
		}
	}
	return by + ", " + e.ActorID
}

func (s *Desk) auditPage(c echo.Context) error {
	before, _ := s.Desk.EntryID(c.QueryParam("before")) // 0 is the first page
	page := auditPage{Frame: s.staffFrame(c), Actions: auditActions}
	f := page.filter(c)
	f.Before, f.Limit = before, entriesAtOnce
	if page.Bad {
		return s.SendPage(c, http.StatusUnprocessableEntity, "audit", page.Frame, page)
	}
	entries, err := s.Desk.Store.Entries(c.Request().Context(), f)
	if err != nil {
		return directory.Unavailable(err)
	}
	for _, e := range entries {
		page.Entries = append(page.Entries, entryRow{e, web.Moment(e.At), whose(e)})
	}
	if len(entries) == entriesAtOnce {
		page.Older = strings.TrimPrefix(page.Filter+"&before=", "&") + s.Desk.EntryMark(entries[entriesAtOnce-1].ID)
	}
	return s.SendPage(c, http.StatusOK, "audit", page.Frame, page)
}

// exportCount is a trailer (RFC 9110, section 6.5) that says how many entries an export
// has.
const exportCount = "Audit-Entries"

// auditExport writes all entries as CSV, latest first, however long it takes. If it
// can't, the connection is broken off: an answer that ended well would pass for whole.
func (s *Desk) auditExport(c echo.Context) error {
	var page auditPage
	f := page.filter(c)
	if page.Bad {
		return c.Redirect(http.StatusSeeOther, "/helpdesk/audit?"+page.Filter) // which says so
	}
	if err := s.admin.NoteExported(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	entries, err := s.exported(c, f, 0)
	if err != nil {
		return directory.Unavailable(err)
	}
	h := c.Response().Header()
	web.PageHeaders(h)
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	h.Set("Trailer", exportCount)
	count, err := s.export(c, f, entries)
	if err != nil {
		s.LogFailure(c, c.Response().Status, err)
		panic(http.ErrAbortHandler)
	}
	h.Set(exportCount, strconv.Itoa(count))
	return nil
}

// exported is a page of entries. A page is bounded in time, all of them aren't.
func (s *Desk) exported(c echo.Context, f staff.EntryFilter, before int64) ([]staff.Entry, error) {
	ctx, cancel := context.WithTimeout(web.Unbounded(c), web.RequestTimeout)
	defer cancel()
	f.Before, f.Limit = before, exportAtOnce
	return s.Desk.Store.Entries(ctx, f)
}

// export writes a page of entries and all that come after it, and gives their number.
// Whoever reads must take each page within the time for an answer.
func (s *Desk) export(c echo.Context, f staff.EntryFilter, entries []staff.Entry) (count int, err error) {
	control := http.NewResponseController(c.Response())
	w := csv.NewWriter(c.Response())
	_ = w.Write([]string{"id", "at", "actor", "action", "subject", "domain", "detail", "actor_id", "actor_issuer"})
	for {
		_ = control.SetWriteDeadline(time.Now().Add(web.WriteTimeout)) // a recorder has none
		for _, e := range entries {
			_ = w.Write(entryCells(s.Desk.EntryMark(e.ID), e))
		}
		w.Flush()
		count += len(entries)
		if err := w.Error(); err != nil || len(entries) < exportAtOnce {
			return count, err
		}
		if entries, err = s.exported(c, f, entries[exportAtOnce-1].ID); err != nil {
			return count, err
		}
	}
}

// entryCells are an entry's cells. One that a spreadsheet would take for a formula gets
// a quote in front (OWASP, CSV injection).
func entryCells(mark string, e staff.Entry) []string {
	row := []string{
		mark, e.At.Format(time.RFC3339), e.Actor, e.Action, e.Subject, e.Domain,
		e.Detail, e.ActorID, e.Issuer,
	}
	for i, cell := range row {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			row[i] = "'" + cell
		}
	}
	return row
}
