package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
)

// challengePath is where an ACME server looks for the proof of a name, over plain http
// (RFC 8555, section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// challenge answers an ACME server. Its token has letters of both cases.
func (s *Public) challenge(c echo.Context) error {
	path := originalPath(c.Request())
	name, err := lookup.HostName(c.Request().Host)
	if err != nil {
		return directory.ErrNotFound
	}
	answer, found := s.proof(c.Request().Context(), name, strings.TrimPrefix(path, challengePath))
	if !found {
		return directory.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Blob(http.StatusOK, "application/octet-stream", []byte(answer))
}
