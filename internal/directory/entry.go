package directory

import (
	"strings"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Entry is a domain as it was asked for, by its primary name or an alias. It is
// small: all but names is shared with the other domains that have the same offer.
type Entry struct {
	Name  string
	Terms *policy.Terms

	offer     *offer
	templates *templates // the directory's
}

// newEntry lets the terms share what other entries have as well. The name may be a
// part of a long request: it is not kept itself.
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

// Template gives the one with a key, if it was kept for any domain with this offer.
func (e *Entry) Template(key settings.TemplateKey) (template *settings.Template, found bool) {
	return e.templates.GetIfPresent(templateKey{e.offer.identity, key})
}

// KeepTemplate keeps a template for all domains with this offer.
func (e *Entry) KeepTemplate(key settings.TemplateKey, template *settings.Template) {
	e.templates.Set(templateKey{e.offer.identity, key}, template)
}
