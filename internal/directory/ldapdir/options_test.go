package ldapdir

import (
	"strings"
	"testing"
	"time"
)

func TestOptionsThatArentPossible(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"there is no server":                            func(o *Options) { o.Servers = nil },
		"in plain text: use ldaps://, or StartTLS":      func(o *Options) { o.Servers = []string{"ldap://ldap.example.com"} },
		"ldap://192.0.2.1 would be sent":                func(o *Options) { o.Servers = []string{"ldap://192.0.2.1"} },
		"ldap://localhost.example would be sent":        func(o *Options) { o.Servers = []string{"ldap://localhost.example"} },
		"a scheme that isn't known":                     func(o *Options) { o.Servers = []string{"ldapi://socket"} },
		`the server "ldap.example.com"`:                 func(o *Options) { o.Servers = []string{"ldap.example.com"} },
		`the server "ldaps://"`:                         func(o *Options) { o.Servers = []string{"ldaps://"} },
		`the server "ldaps://a:b"`:                      func(o *Options) { o.Servers = []string{"ldaps://a:b"} },
		"ldaps://a has more than a host":                func(o *Options) { o.Servers = []string{"ldaps://cn:secret@a/dc=example"} },
		"the timeout is negative":                       func(o *Options) { o.Timeout = -time.Second },
		"65 connections is not valid":                   func(o *Options) { o.Connections = 65 },
		"no name to bind with":                          func(o *Options) { o.Password = "secret" },
		"but no password":                               func(o *Options) { o.BindDN = "cn=reader" },
		"the name to bind with is not":                  func(o *Options) { o.BindDN, o.Password = "reader", "secret" },
		"there is no base":                              func(o *Options) { o.Base = " " },
		"the base is not a distinguished name":          func(o *Options) { o.Base = "example.com" },
		"the domain base is not":                        func(o *Options) { o.DomainBase = "example.com" },
		`the scope "all"`:                               func(o *Options) { o.Scope = "all" },
		"there is no filter":                            func(o *Options) { o.Filter = "" },
		"there is no search filter":                     func(o *Options) { o.SearchFilter = "" },
		"there is no list filter":                       func(o *Options) { o.ListFilter = "" },
		"the filter: it needs {address} or {local}":     func(o *Options) { o.Filter = "(uid={domain})" },
		"the search filter: it needs {text}":            func(o *Options) { o.SearchFilter = "(a=b)" },
		"the list filter: there is no such placeholder": func(o *Options) { o.ListFilter = "(a={text})" },
		"the alias filter: ":                            func(o *Options) { o.AliasFilter, o.Attributes.Target = "a", "b" },
		"an alias filter needs a target":                func(o *Options) { o.AliasFilter = "(a={address})" },
		"there is no address attribute":                 func(o *Options) { o.Attributes.Address = "" },
		`the login attribute: "a b" is not`:             func(o *Options) { o.Attributes.Login = "a b" },
		`the name attribute: "" is not`:                 func(o *Options) { o.Attributes.Name = "cn,,sn" },
		`the addresses attribute: "*" is not`:           func(o *Options) { o.Attributes.Addresses = "*" },
		"an enabled attribute needs values or a bit":    func(o *Options) { o.Enabled.Attribute = "a" },
		"and they need it":                              func(o *Options) { o.Enabled.Values = []string{"yes"} },
		`the quota unit "pounds"`:                       func(o *Options) { o.QuotaUnit = "pounds" },
		`the quota unit "0KB"`:                          func(o *Options) { o.QuotaUnit = "0KB" },
		"a domain filter needs":                         func(o *Options) { o.DomainFilter = "(a={domain})" },
	} {
		mapping, _ := Preset("openldap")
		o := Options{Servers: []string{"ldaps://ldap.example.com"}, Base: "dc=example,dc=com", Mapping: mapping}
		change(&o)
		_, err := Open(o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		} else if strings.Contains(err.Error(), "secret") || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: it says more: %v", want, err)
		}
	}
}

func TestServersThatArePossible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ldaps://ldap.example.com":      "ldap.example.com:636",
		"ldaps://ldap.example.com:3269": "ldap.example.com:3269",
		"ldaps://[2001:db8::1]/":        "[2001:db8::1]:636",
		"ldap://localhost":              "localhost:389",
		"ldap://127.0.0.2:3389":         "127.0.0.2:3389",
		"ldap://[::1]":                  "[::1]:389",
		"LDAPS://ldap.example.com":      "ldap.example.com:636",
	} {
		s, err := parseServer(text, false, nil)
		if err != nil || s.address != want {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	if s, err := parseServer("ldap://ldap.example.com", true, nil); err != nil || !s.startTLS || s.tls.ServerName != "ldap.example.com" {
		t.Errorf("with StartTLS: %+v, %v", s, err)
	}
}

func TestWhatIsOwnLiesOverThePreset(t *testing.T) {
	t.Parallel()
	preset, _ := Preset("active-directory")
	own := Mapping{Filter: "(uid={local})", Attributes: Attributes{Login: "sAMAccountName", Groups: "-"}}
	got := own.Or(preset)
	if got.Filter != own.Filter || got.Attributes.Login != "sAMAccountName" || got.Attributes.Groups != "" || got.ListFilter != preset.ListFilter || got.Enabled.DisabledBit != 2 {
		t.Errorf("%+v", got)
	}
	if own.Attributes.Groups != "-" || preset.Attributes.Groups == "" {
		t.Error("it changes what it was given")
	}
	got = Mapping{Enabled: Enabled{Attribute: "-"}}.Or(preset)
	if got.Enabled.Attribute != "" || got.Enabled.DisabledBit != 0 {
		t.Errorf("without: %+v", got.Enabled)
	}
	got = Mapping{Enabled: Enabled{Attribute: "status", Values: []string{"on"}}}.Or(preset)
	if got.Enabled.Attribute != "status" || got.Enabled.DisabledBit != 0 {
		t.Errorf("another: %+v", got.Enabled)
	}
}
