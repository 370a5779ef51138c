package directory

import (
	"sync"

	"autoconfig/policy"
	"autoconfig/settings"
)

// maxForms bounds the forms of an entry: formats times decisions times kinds of
// logins. A domain with more rules than that renders some of them each time.
const maxForms = 256

// Entry is a domain as it was asked for, by its primary name or an alias.
type Entry struct {
	Name  string
	Terms *policy.Terms

	mu    sync.RWMutex
	forms map[any]*settings.Form
}

func newEntry(name string, terms *policy.Terms) *Entry {
	return &Entry{Name: name, Terms: terms, forms: map[any]*settings.Form{}}
}

// Form gives the form for a key, and makes it the first time. Forms go with their
// entry when the domain changes.
func (e *Entry) Form(key any, render func() (*settings.Form, error)) (*settings.Form, error) {
	e.mu.RLock()
	form, found := e.forms[key]
	e.mu.RUnlock()
	if found {
		return form, nil
	}
	form, err := render()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.forms) < maxForms {
		e.forms[key] = form
	}
	return form, nil
}
