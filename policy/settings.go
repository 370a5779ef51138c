package policy

import (
	"strings"

	"autoconfig/settings"
)

// Settings are what renderers need for an address that was typed. account is
// what the directory knows under it; for one that isn't known it is
// [Terms.Unknown]. The display name is left out: nothing that anybody may ask
// carries it.
func (t *Terms) Settings(typed settings.Address, account Account) settings.Settings {
	v := t.decide(&account)
	s := t.addressed(v, typed, account)
	s.Decision = v.explained(account)
	return s
}

// PublicSettings are what anybody may ask: [Terms.Settings] without the reason and the
// advice, unless the domain gives away nothing but its default.
func (t *Terms) PublicSettings(typed settings.Address, account Account) settings.Settings {
	if t.PublicAnswers == PublicDefault {
		return t.DefaultFor(typed)
	}
	return t.addressed(t.decide(&account), typed, account)
}

// DefaultFor are the domain's default for an address.
func (t *Terms) DefaultFor(typed settings.Address) settings.Settings {
	return t.addressed(t.byDefault(), typed, t.Unknown(typed))
}

// DigestSettings are the answer to a program that names its account only by a digest
// and types a stand-in (Evolution), where nobody has the digest: the domain's default,
// since rules would be tried on the stand-in.
func (t *Terms) DigestSettings(standIn settings.Address) settings.Settings {
	v := t.byDefault()
	mailbox := t.Unknown(standIn)
	if !t.Has(standIn.Domain()) { // an alias elsewhere of a mailbox here
		mailbox.Address = standIn
	}
	return t.addressed(v, standIn, mailbox)
}

// NamedSettings are the answer where somebody has it: that to the address whose digest
// it is, for who types the stand-in. The login is in it. Whoever can make the digest can
// ask with the address, and a program that is told another login can't sign in.
func (t *Terms) NamedSettings(standIn, named settings.Address, account Account) settings.Settings {
	if account.Address.Same(named) { // in another spelling, which must not look like a login of its own
		named = account.Address.Unquoted()
	}
	s := t.PublicSettings(named, account)
	s.Typed, s.StandIn = standIn, true
	if s.Mailbox = standIn; t.Has(standIn.Domain()) {
		s.Mailbox = t.Mailbox(standIn)
	}
	for _, login := range []*settings.Login{&s.IncomingLogin, &s.OutgoingLogin, &s.ServiceLogin} {
		*login = login.As(standIn)
	}
	return s
}

// Unknown is the account that is decided about when the directory knows none.
func (t *Terms) Unknown(typed settings.Address) Account {
	return Account{Address: t.Mailbox(typed)}
}

func (t *Terms) addressed(v verdict, typed settings.Address, account Account) settings.Settings {
	s := t.settings(v, typed.Domain())
	s.Typed = typed
	s.Mailbox = account.Address
	login := t.loginAddress(typed, account)
	own := account.Address.Unquoted()
	if account.Login != "" && strings.EqualFold(account.Login, settings.LoginFor(t.Username, own, own, "").Literal) {
		account.Login = "" // nothing of its own: it must look like an account that isn't known
	}
	s.ServiceLogin = settings.LoginFor(t.Username, login, typed, account.Login)
	at := func(server settings.Server) settings.Login {
		if username := t.usernameAt(server); username != t.Username {
			return settings.LoginFor(username, login, typed, account.Login)
		}
		return s.ServiceLogin
	}
	s.IncomingLogin, s.OutgoingLogin = at(s.Incoming), at(s.Outgoing)
	return s
}

// loginAddress is the address from which the login is made, as it was typed: of an
// account that has nothing of its own no other is known, neither its letter case
// nor its quotes.
func (t *Terms) loginAddress(typed settings.Address, account Account) settings.Address {
	if t.AliasLogin != AliasTyped || !t.Has(typed.Domain()) { // an alias of another domain is no login in this one
		for _, spelt := range [...]settings.Address{t.Primary(typed).Unquoted(), t.Mailbox(typed)} {
			if spelt.Same(account.Address) {
				return spelt
			}
		}
		return account.Address
	}
	whole := t.Primary(typed)
	known := account.Address.Same(whole)
	for _, other := range account.Addresses {
		known = known || other.Same(whole)
	}
	if known { // a tag, if any, belongs to the address
		return typed.Unquoted()
	}
	return typed.Unquoted().WithoutTag(t.Delimiters())
}

// DefaultSettings are those of a request that can't know the account, for people
// with addresses in asked: the primary domain or an alias.
func (t *Terms) DefaultSettings(asked string) settings.Settings {
	v := t.byDefault()
	s := t.settings(v, asked)
	primary := t.Name
	if t.AliasLogin == AliasTyped {
		primary = asked
	}
	s.IncomingLogin = settings.DefaultLogin(t.usernameAt(s.Incoming), primary, asked)
	s.OutgoingLogin = settings.DefaultLogin(t.usernameAt(s.Outgoing), primary, asked)
	s.ServiceLogin = settings.DefaultLogin(t.Username, primary, asked)
	return s
}

func (t *Terms) settings(v verdict, asked string) settings.Settings {
	s := settings.Settings{
		SiteID:   t.SiteID,
		Domain:   asked,
		Provider: t.Brand(),
		Decision: v.Decision,
		Services: t.Services,
		Profile:  t.Profile,
	}
	s.Incoming, _ = settings.Best(v.servers.Of(v.Protocol))
	s.Outgoing, _ = settings.Best(v.servers.SMTP)
	return s
}

func (t *Terms) usernameAt(server settings.Server) settings.Username {
	if server.Username != "" {
		return server.Username
	}
	return t.Username
}
