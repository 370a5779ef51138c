// Package policytest draws legal sites for property tests.
package policytest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"autoconfig/policy"
	"autoconfig/settings"
)

// words are texts that formats like to misread.
var words = []string{
	"Example Mail", "00123", "true", "null", "~", "1e5", "0x10", " blank", "blank ", "a: b", "- x", "#", "\"quoted\"",
	"it's", "[x]",
	"Zürich", "日本", "é", "&amp;", "<b>", "%EMAILADDRESS%", "{address}", "a\\b", "*", "!x", "@x", "`x`", "yes",
	"2027-06-30", "key", ">", "|", "?",
}

func word() *rapid.Generator[string] { return rapid.SampledFrom(words) }

func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) T {
	var none T
	if rapid.Bool().Draw(t, label+"?") {
		return g.Draw(t, label)
	}
	return none
}

// Site draws a site that is normalised and has no errors.
func Site() *rapid.Generator[policy.Site] {
	return rapid.Custom(func(t *rapid.T) policy.Site {
		site := policy.Site{
			ID: rapid.StringMatching(`[a-z2-7]{26}`).Draw(t, "id"),
			Providers: []settings.Provider{{
				ID: "main", Name: word().Draw(t, "provider"), ShortName: maybe(t, "short", word()),
				HelpURL: maybe(t, "help", rapid.Just("https://help.example/?a=b&c")),
			}},
			Plans: []policy.Plan{{Name: "standard", Offer: offer(t)}},
			Domains: []policy.Domain{{
				Name: "example.com", Aliases: []string{"example.net", "xn--mller-kva.example"},
				Plan: "standard",
			}},
		}
		if rapid.Bool().Draw(t, "second domain") {
			d := policy.Domain{Name: "example.org", Plan: "standard"}
			d.Servers.IMAP = maybe(t, "own imap", rapid.Just(policy.ServerList{{Host: "own.example.org"}}))
			d.Services.CalDAV = maybe(t, "no caldav", rapid.Just(settings.NoService))
			if rapid.Bool().Draw(t, "no rules") {
				d.Policy.Rules = []policy.Rule{}
			}
			site.Domains = append(site.Domains, d)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "accounts") {
			site.Accounts = append(site.Accounts, account(t, i))
		}
		site = site.Normalize()
		if err := site.Check().Err(); err != nil {
			t.Fatalf("the generator made an illegal site: %v", err)
		}
		return site
	})
}

func offer(t *rapid.T) policy.Offer {
	days := func() *int { return maybe(t, "days", rapid.Ptr(rapid.IntRange(0, settings.MaxDays), false)) }
	o := policy.Offer{
		Provider: "main",
		Servers:  policy.Servers{IMAP: servers(t, "imap"), POP3: servers(t, "pop3"), SMTP: servers(t, "smtp")},
		Username: settings.Username(rapid.SampledFrom([]string{
			"", "{address}", "{local}", "{login}", "00{local}",
			"{local}%{domain}",
		}).Draw(t, "username")),
		Services: settings.Services{
			CalDAV:  maybe(t, "caldav", rapid.Just("https://dav.example/cal/")),
			CardDAV: maybe(t, "carddav", rapid.Just("https://dav.example:8443/")),
			JMAP:    maybe(t, "jmap", rapid.Just("https://jmap.example/")),
			Webmail: maybe(t, "webmail", rapid.Just("https://mail.example/?x=<y>")),
		},
		AliasLogin: rapid.SampledFrom([]policy.AliasLogin{"", policy.AliasPrimary, policy.AliasTyped}).Draw(t, "alias login"),
		Policy: policy.Policy{
			Default: rapid.SampledFrom([]settings.Protocol{"", settings.IMAP, settings.POP3}).Draw(t, "default"),
			POP3:    policy.POP3{Days: days()},
			Rules: []policy.Rule{
				{
					Name: "r " + word().Draw(t, "rule"), Match: policy.Match{Group: word().Draw(t, "group")},
					Protocol: settings.POP3, POP3: policy.POP3{Days: days()},
				},
				{
					Name: "shard", Match: policy.Match{Address: "s*@*", QuotaAbove: 1e6},
					Servers: policy.Servers{IMAP: servers(t, "shard")},
				},
				{Name: "small", Match: policy.Match{Devices: policy.OneDevice, QuotaBelow: 500e6}, Protocol: settings.POP3},
			},
		},
	}
	if rapid.Bool().Draw(t, "delimiter?") {
		o.RecipientDelimiter = rapid.Ptr(rapid.SampledFrom([]string{"", "+", "-+"}), false).Draw(t, "delimiter")
	}
	if rapid.Bool().Draw(t, "profile?") {
		o.Profile = settings.Profile{
			Expires: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC),
			Consent: map[string]string{"default": "Line one\nline two", "de": word().Draw(t, "consent")},
		}
	}
	return o
}

func servers(t *rapid.T, label string) policy.ServerList {
	var list policy.ServerList
	for i := range rapid.IntRange(1, 3).Draw(t, label+" servers") {
		list = append(list, settings.Server{
			Host:     fmt.Sprintf("%s%d.example.com", label, i),
			Port:     rapid.SampledFrom([]int{0, 2525}).Draw(t, label+" port"),
			Security: rapid.SampledFrom([]settings.Security{"", settings.TLS, settings.STARTTLS}).Draw(t, label+" security"),
			Auth: rapid.SampledFrom([][]settings.Auth{
				nil,
				{settings.AuthPlain},
				{settings.AuthScramSHA256, settings.AuthPlain},
				{settings.AuthCramMD5, settings.AuthLogin},
			}).Draw(t, label+" auth"),
		})
	}
	return list
}

func account(t *rapid.T, i int) policy.Account {
	locals := []string{"office", "Sales", "o'neil", "a&b", `"a b"`, "jörg", "00123", "true", "x_y-z.w", "s1"}
	a := policy.Account{
		Address:  settings.MustAddress(fmt.Sprintf("u%d@example.com", i)),
		Name:     maybe(t, "name", word()),
		Login:    maybe(t, "login", word()),
		Devices:  rapid.SampledFrom([]policy.Devices{"", policy.OneDevice, policy.SeveralDevices}).Draw(t, "devices"),
		Quota:    policy.Bytes(rapid.SampledFrom([]int64{0, 1, 1500, 200e6, 1 << 30, 123456789}).Draw(t, "quota")),
		Groups:   maybe(t, "groups", rapid.SliceOfN(word(), 1, 3)),
		Protocol: rapid.SampledFrom([]settings.Protocol{"", settings.IMAP, settings.POP3}).Draw(t, "protocol"),
	}
	if i < 2 {
		local := locals[rapid.IntRange(0, len(locals)/2-1).Draw(t, "local")*2+i]
		a.Addresses = []settings.Address{settings.MustAddress(local + "@example.com")}
	}
	return a
}
