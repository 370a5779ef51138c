package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/web"
)

// pacc serves the stored document of the Host's domain. Its digest is in the DNS:
// not a byte may change on the way.
func (s *Public) pacc(c echo.Context) error {
	ctx := c.Request().Context()
	n := noted{format: formatPACC}
	defer s.note(c, &n)
	a, err := s.ForHost(ctx, c.Request().Host)
	if err != nil {
		n.become(&a, err)
		return err
	}
	document, err := s.Directory.Document(ctx, a.Entry)
	if errors.Is(err, directory.ErrNotFound) {
		err = errNoService
	} else if err != nil {
		err = directory.Unavailable(err)
	}
	n.become(&a, err)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache, no-transform")
	s.answered(formatPACC, a.Settings.Decision.Protocol)
	return web.Blob(c, http.StatusOK, "application/json", document)
}
