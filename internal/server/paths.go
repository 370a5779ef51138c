package server

import (
	"net/http"
	"net/url"
	"strings"

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

// providerDatabasePath is where a provider database has the configuration of each domain, by
// its name (Thunderbird's preference mailnews.auto_config_url).
const providerDatabasePath = "/v1.1/"

// profilePaths are those of Apple's profiles; automx2's and Modoboa's is in links that
// people have.
var profilePaths = []string{mobileconfig.Path, "/mobileconfig"}

// foldedPaths lets paths be found in any letter case, with doubled slashes and with one
// at the end: Outlook writes /Autodiscover/Autodiscover.xml and more, CalDav Synchronizer
// asks for /.well-known/carddav/, and proxies join folders and paths.
type foldedPaths struct{ next http.Handler }

func (f foldedPaths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Path, r.URL.RawPath = fold(r.URL.Path), ""
	f.next.ServeHTTP(w, r)
}

// originalPath is the path as the client wrote it, without its encoding.
func originalPath(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.Path
	}
	return r.URL.Path
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
