package directory

import (
	"strings"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Entry is a domain under the name by which it was requested. It is small: all but the
// names is shared with the other domains that have the same offer.
type Entry struct {
	Name  string
	Terms *policy.Terms

	offer     *offer
	templates *templates // the directory's
}

// newEntry shares the terms with other entries of the same offer. The name is cloned if
// need be: it may be a substring of a long request.
func (d *Directory) newEntry(name string, terms *policy.Terms) *Entry {
	shared := d.offers.share(terms.Common)
	if name == terms.Name {
		name = terms.Name
	} else {
		name = strings.Clone(name)
	}
	return &Entry{
		Name:      name,
		Terms:     &policy.Terms{Name: terms.Name, Aliases: terms.Aliases, Common: &shared.Common},
		offer:     shared,
		templates: d.templates,
	}
}

// Template returns the template that was kept under a key for any domain with this offer.
func (e *Entry) Template(key settings.TemplateKey) (template *settings.Template, found bool) {
	return e.templates.GetIfPresent(templateKey{e.offer.identity, key})
}

// KeepTemplate keeps a template for all domains with this offer.
func (e *Entry) KeepTemplate(key settings.TemplateKey, template *settings.Template) {
	e.templates.Set(templateKey{e.offer.identity, key}, template)
}
