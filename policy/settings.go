package policy

import (
	"strings"

	"autoconfig/settings"
)

// Settings returns what renderers need for a typed address and its account, which is [Terms.Unknown] if it
// isn't known. The display name is left out, as public answers don't have it.
func (t *Terms) Settings(typed settings.Address, account Account) settings.Settings {
	v := t.decide(&account)
	s := t.addressed(v, typed, account)
	s.Decision = v.explained(account)
	return s
}

// PublicSettings returns what anybody may ask: [Terms.Settings] without reason and advice, or the default if
// the domain publishes nothing else.
func (t *Terms) PublicSettings(typed settings.Address, account Account) settings.Settings {
	if t.PublicAnswers == PublicDefault {
		return t.DefaultFor(typed)
	}
	return t.addressed(t.decide(&account), typed, account)
}

// DefaultFor returns the domain's default for an address.
func (t *Terms) DefaultFor(typed settings.Address) settings.Settings {
	return t.addressed(t.byDefault(), typed, t.Unknown(typed))
}

// DigestSettings returns the answer to a program that sends a stand-in with a digest (Evolution) that no
// account has: the domain's default, as rules would be applied to the stand-in.
func (t *Terms) DigestSettings(standIn settings.Address) settings.Settings {
	v := t.byDefault()
	mailbox := t.Unknown(standIn)
	if !t.Has(standIn.Domain()) { // the alias of another domain for a mailbox here
		mailbox.Address = standIn
	}
	return t.addressed(v, standIn, mailbox)
}

// NamedSettings returns the answer if an account has the digest: that to the named address, for a program
// that sends the stand-in. It includes the login, without which the program can't sign in; whoever can
// make the digest could ask with the address anyway.
func (t *Terms) NamedSettings(standIn, named settings.Address, account Account) settings.Settings {
	if account.Address.Same(named) { // another spelling must not look like a login of its own
		named = account.Address.Unquoted()
	}
	s := t.PublicSettings(named, account)
	s.Typed = standIn
	s.StandIn = true
	if s.Mailbox = standIn; t.Has(standIn.Domain()) {
		s.Mailbox = t.Mailbox(standIn)
	}
	for _, login := range []*settings.Login{&s.IncomingLogin, &s.OutgoingLogin, &s.ServiceLogin} {
		*login = login.As(standIn)
	}
	return s
}

// Unknown returns the account for an address that isn't known.
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
		account.Login = "" // must look like an account that isn't known
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

// loginAddress is the address from which the login is made, as it was typed. If the account has nothing of
// its own, neither the letter case nor the quotes of its address may be revealed.
func (t *Terms) loginAddress(typed settings.Address, account Account) settings.Address {
	if t.AliasLogin != AliasTyped || !t.Has(typed.Domain()) { // an alias in another domain is no login here
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
	if known { // a tag, if any, is part of the address
		return typed.Unquoted()
	}
	return typed.Unquoted().WithoutTag(t.Delimiters())
}

// DefaultSettings returns the answer to a request without an account, for people with addresses in asked:
// the primary domain or an alias.
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
