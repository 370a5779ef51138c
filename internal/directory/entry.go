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

	offer *offer
	forms *forms
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
		Name:  name,
		Terms: &policy.Terms{Name: terms.Name, Aliases: terms.Aliases, Common: &shared.Common},
		offer: shared,
		forms: d.forms,
	}
}

// Form gives the form of a shape for the entry's offer, and makes it the first
// time that any domain with this offer needs it.
func (e *Entry) Form(shape settings.Shape, render func() (*settings.Form, error)) (*settings.Form, error) {
	return e.forms.get(formKey{e.offer.identity, shape}, render)
}
