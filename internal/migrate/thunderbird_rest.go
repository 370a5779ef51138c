package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"autoconfig/settings"
)

// maxOthers bounds the other domains of a document that are named.
const maxOthers = 10

// helpURL returns the first page that a site may link to.
func (m *published) helpURL() (url string) {
	var left []string
	for _, d := range m.config.Documentation {
		provider := settings.Provider{ID: m.domain, Name: m.domain, HelpURL: d.URL}
		switch {
		case url == "" && len(provider.Check("")) == 0:
			url = d.URL
		case d.URL != url:
			left = append(left, d.URL)
		}
	}
	if len(left) > 0 {
		m.skip("documentation "+strings.Join(left, " "), "a provider has one help page, with an https URL; imported is %s",
			cmp.Or(url, "none"))
	}
	return url
}

// rest reports what is left of the document.
func (m *published) rest() {
	m.otherDomains()
	for _, e := range m.config.Enable {
		m.skip("enable "+e.URL, "what must be switched on first; say it on the help page")
	}
	for _, tag := range slices.Compact(slices.Sorted(slices.Values(m.config.Unknown))) {
		m.skip(tag, "an element that has no place in a site")
	}
	if n := m.config.ProvidersIgnored; n > 0 {
		m.skip("emailProvider", "%d more of them; programs take the first", n)
	}
}

// otherDomains names the document's other domains, which may be aliases or other people's: the
// document doesn't say.
func (m *published) otherDomains() {
	var others []string
	named := false
	for _, d := range m.config.Domains {
		name, err := settings.ParseDomain(d.Name)
		switch {
		case d.Purpose != "": // the host of an MX record, not a mail domain
		case err == nil && name == m.domain:
			named = true
		default:
			others = append(others, d.Name)
		}
	}
	if len(others) == 0 {
		return
	}
	element := "domain " + strings.Join(others[:min(len(others), maxOthers)], " ")
	if more := len(others) - maxOthers; more > 0 {
		element += fmt.Sprintf(" and %d more", more)
	}
	only := "it is imported for " + m.domain + " alone"
	if !named {
		only = "the document doesn't name " + m.domain + ", for which alone it is imported"
	}
	m.skip(element, "%s; an alias is added with: autoconfig domain set %s --alias DOMAIN", only, m.domain)
}
