package server

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/lookup"
	"autoconfig/settings"
)

// originalPath is where foldPath leaves the path as the client wrote it, if it has
// changed it.
const originalPath = "original path"

// foldPath lets paths be found in any letter case and with doubled slashes:
// Outlook writes /Autodiscover/Autodiscover.xml and more.
func foldPath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if folded := fold(u.Path); folded != u.Path {
			c.Set(originalPath, u.Path)
			u.Path = folded
		}
		u.RawPath = ""
		return next(c)
	}
}

func fold(path string) string {
	path = strings.ToLower(path)
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

func addressQuery(typed settings.Address, digest string) string {
	query := "?emailaddress=" + url.QueryEscape(typed.String())
	if lookup.IsDigest(typed, digest) {
		query += "&emailmd5=" + url.QueryEscape(digest)
	}
	return query
}
