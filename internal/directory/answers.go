package directory

import (
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/settings"
)

// Answers are what mail programs get for the address that was typed, by what they
// tell of it. standIn is the address in the typed domain that stands in a request
// that names its account by a digest; the program puts the typed local part in its
// place.
func (f Found) Answers(typed, standIn settings.Address) clients.Answers {
	a := clients.Answers{Default: f.Entry.Terms.DefaultSettings(typed.Domain())}
	a.Own, _ = f.Personal(typed)
	a.Address, _ = f.Public(typed)
	a.Digest = f.Entry.Terms.DigestSettings(standIn)
	if f.hasDigest(typed) {
		f.Named = typed
		a.Digest, _ = f.Digested(standIn)
	}
	for _, login := range []*settings.Login{&a.Digest.IncomingLogin, &a.Digest.OutgoingLogin} {
		login.Literal = strings.ReplaceAll(login.Literal, standIn.Local(), typed.Local())
	}
	return a
}

// hasDigest tells whether the digest of what was typed is one of the account's. With
// a tag it isn't.
func (f Found) hasDigest(typed settings.Address) bool {
	whole := f.Home.Terms.Primary(typed).Key()
	is := func(a settings.Address) bool { return a.Key() == whole }
	return f.Known && (is(f.Account.Address) || slices.ContainsFunc(f.Account.Addresses, is))
}
