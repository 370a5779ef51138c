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
	Older   int64
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
	before, _ := strconv.ParseInt(c.QueryParam("before"), 10, 64) // 0 is the first page
	entries, err := s.Desk.Store.Entries(c.Request().Context(),
		staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: entriesAtOnce})
	if err != nil {
		return directory.Unavailable(err)
	}
	page := auditPage{Frame: s.staffFrame(c)}
	for _, e := range entries {
		page.Entries = append(page.Entries, entryRow{e, web.Moment(e.At), whose(e)})
	}
	if len(entries) == entriesAtOnce {
		page.Older = entries[entriesAtOnce-1].ID
	}
	return s.SendPage(c, http.StatusOK, "audit", page.Frame, page)
}

// exportCount is a trailer (RFC 9110, section 6.5) that says how many entries an export
// has.
const exportCount = "Audit-Entries"

// auditExport writes all entries as CSV, latest first, however long it takes. If it
// can't, the connection is broken off: an answer that ended well would pass for whole.
func (s *Desk) auditExport(c echo.Context) error {
	if err := s.admin.NoteExported(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	entries, err := s.exported(c, 0)
	if err != nil {
		return directory.Unavailable(err)
	}
	h := c.Response().Header()
	web.PageHeaders(h)
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	h.Set("Trailer", exportCount)
	count, err := s.export(c, entries)
	if err != nil {
		s.LogFailure(c, c.Response().Status, err)
		panic(http.ErrAbortHandler)
	}
	h.Set(exportCount, strconv.Itoa(count))
	return nil
}

// exported is a page of entries. A page is bounded in time, all of them aren't.
func (s *Desk) exported(c echo.Context, before int64) ([]staff.Entry, error) {
	ctx, cancel := context.WithTimeout(web.Unbounded(c), web.RequestTimeout)
	defer cancel()
	return s.Desk.Store.Entries(ctx, staff.EntryFilter{Domains: actor(c).Bounds(), Before: before, Limit: exportAtOnce})
}

// export writes a page of entries and all that come after it, and gives their number.
// Whoever reads must take each page within the time for an answer.
func (s *Desk) export(c echo.Context, entries []staff.Entry) (count int, err error) {
	control := http.NewResponseController(c.Response())
	w := csv.NewWriter(c.Response())
	_ = w.Write([]string{"id", "at", "actor", "action", "subject", "domain", "detail", "actor_id", "actor_issuer"})
	for {
		_ = control.SetWriteDeadline(time.Now().Add(web.WriteTimeout)) // a recorder has none
		for _, e := range entries {
			_ = w.Write(entryCells(e))
		}
		w.Flush()
		count += len(entries)
		if err := w.Error(); err != nil || len(entries) < exportAtOnce {
			return count, err
		}
		if entries, err = s.exported(c, entries[exportAtOnce-1].ID); err != nil {
			return count, err
		}
	}
}

// entryCells are an entry's cells. One that a spreadsheet would take for a formula gets
// a quote in front (OWASP, CSV injection).
func entryCells(e staff.Entry) []string {
	row := []string{
		strconv.FormatInt(e.ID, 10), e.At.Format(time.RFC3339), e.Actor, e.Action, e.Subject, e.Domain,
		e.Detail, e.ActorID, e.Issuer,
	}
	for i, cell := range row {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			row[i] = "'" + cell
		}
	}
	return row
}
