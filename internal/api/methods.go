package api

import (
	"errors"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
)

// errMethod means that a path exists, but not for the request's method.
var errMethod = errors.New("this path has other methods")

// methods are those of each path that is served.
type methods map[string][]string

func (m methods) add(method, path string) { m[path] = append(m[path], method) }

// refuse answers what isn't served: 405 with the methods that are, where the path exists
// (RFC 9110, section 15.5.6).
func (m methods) refuse(c echo.Context) error {
	asked := strings.Split(strings.TrimPrefix(c.Request().URL.EscapedPath(), "/api/v1"), "/")
	var allowed []string
	for path, list := range m {
		parts := strings.Split(path, "/")
		if len(parts) == len(asked) && matches(parts, asked) {
			allowed = append(allowed, list...)
		}
	}
	if len(allowed) == 0 {
		return directory.ErrNotFound
	}
	slices.Sort(allowed)
	c.Response().Header().Set("Allow", strings.Join(slices.Compact(allowed), ", "))
	return errMethod
}

func matches(parts, asked []string) bool {
	for i, part := range parts {
		if part != asked[i] && (!strings.HasPrefix(part, ":") || asked[i] == "") {
			return false
		}
	}
	return true
}
