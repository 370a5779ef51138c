package directory

import (
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/settings"
)

// Answers are the settings that mail programs get for a typed address, depending on
// what they send. standIn is the address in the typed domain that stands for the
// account in answers to a digest: the program replaces its local part by the typed one.
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

// hasDigest reports whether the digest of the typed address finds the account. That
// of an address with a tag doesn't.
func (f Found) hasDigest(typed settings.Address) bool {
	whole := f.Home.Terms.Primary(typed).Key()
	is := func(a settings.Address) bool { return a.Key() == whole }
	return f.Known && (is(f.Account.Address) || slices.ContainsFunc(f.Account.Addresses, is))
}
