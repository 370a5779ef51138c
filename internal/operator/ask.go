package operator

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
)

// tlsAsk tells a front end that gets certificates on demand whether a name is one of
// ours: 200, or 404. It is the contract of Caddy's on_demand_tls.
func (s *Private) tlsAsk(c echo.Context) error {
	name := strings.ToLower(strings.TrimSuffix(c.QueryParam("domain"), "."))
	if name == s.PublicURL.Hostname() || name == s.StaffURL.Hostname() {
		return c.String(http.StatusOK, "served\n")
	}
	_, err := (&lookup.Lookup{Directory: s.Directory}).SpecialDomain(c.Request().Context(), name)
	if errors.Is(err, directory.ErrNotFound) {
		return c.String(http.StatusNotFound, "not served\n")
	} else if err != nil {
		return err
	}
	return c.String(http.StatusOK, "served\n")
}
