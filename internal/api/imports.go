package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// Importer adds and changes the accounts of JSON lines, all of them or none; in a dry run
// it only tells what it would do.
type Importer func(ctx context.Context, acts *admin.Admin, by staff.Actor, lines []byte, dryRun bool) (Imported, error)

// Imported is what came of an import.
type Imported struct {
	Applied bool `json:"applied"`
	Lines   int  `json:"lines"`
	Added   int  `json:"added"`
	Changed int  `json:"changed"`
	Same    int  `json:"same"`
	// Refused are the first lines that are wrong: with one, nothing is imported.
	Refused []RefusedLine `json:"-"`
}

// RefusedLine is a line that is wrong.
type RefusedLine struct {
	Line  int // from 1; 0 if it isn't about a line
	Field string
	Text  string
}

// errLines means that lines are wrong; the error is a refusedLines.
var errLines = errors.New("lines are wrong")

type refusedLines struct{ Imported }

func (refusedLines) Error() string {
	return "nothing was imported: see errors; a pointer begins with the line, from 0"
}

func (refusedLines) Is(target error) bool { return target == errLines }

// Places are the lines.
func (r refusedLines) Places() (all []web.Place) {
	for _, line := range r.Refused {
		at := "/" + strconv.Itoa(max(0, line.Line-1))
		if line.Field != "" {
			at += "/" + line.Field
		}
		all = append(all, web.Place{Pointer: at, Detail: line.Text})
	}
	return all
}

func (s *API) importAccounts(c echo.Context) error {
	lines, err := io.ReadAll(c.Request().Body)
	switch {
	case web.IsTooLarge(err):
		return web.ErrTooLarge
	case err != nil:
		return errors.Join(errJSON, err)
	}
	dry := c.QueryParam("dry_run") == "true"
	done, err := s.importer(c.Request().Context(), s.admin, actor(c), lines, dry)
	if err != nil {
		return err
	}
	if len(done.Refused) > 0 {
		return refusedLines{done}
	}
	return c.JSON(http.StatusOK, done)
}
