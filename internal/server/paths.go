package server

import (
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/mobileconfig"
	"autoconfig/thunderbird"
)

// autoconfigPaths are those under which programs ask for autoconfig's document.
var autoconfigPaths = []string{
	thunderbird.Path, thunderbird.PathWellKnown,
	// An earlier draft's (draft-bucksch-autoconfig, section 4.1): GNOME Online Accounts and
	// SnappyMail ask it first, and SnappyMail no other with the address.
	"/.well-known/mail-v1.xml",
	// Nine for Android's, which takes the host for a provider database.
	"/v1.1/mail/config-v1.1.xml",
}

// profilePaths are those of Apple's profiles; automx2's and Modoboa's is in links that
// people have.
var profilePaths = []string{mobileconfig.Path, "/mobileconfig"}

// originalPath is where foldPath leaves the path as the client wrote it, if it has
// changed it.
const originalPath = "original path"

// foldPath lets paths be found in any letter case, with doubled slashes and with one at
// the end: Outlook writes /Autodiscover/Autodiscover.xml and more, CalDav Synchronizer
// asks for /.well-known/carddav/, and proxies join folders and paths.
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
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}
