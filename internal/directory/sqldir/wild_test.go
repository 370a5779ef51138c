package sqldir

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// rows write what a system would write for a domain, a mailbox and an alias.
type rows struct {
	domain  string // NAME
	mailbox string // ADDRESS, LOCAL, DOMAIN
	alias   string // ADDRESS, LOCAL, DOMAIN, TARGETS
}

var presetRows = map[string]rows{
	"postfixadmin": {
		"INSERT INTO domain (domain, description) VALUES ('NAME', '');",
		"INSERT INTO mailbox (username, name, local_part, domain) VALUES ('ADDRESS', '', 'LOCAL', 'DOMAIN');",
		"INSERT INTO alias (address, goto, domain) VALUES ('ADDRESS', 'TARGETS', 'DOMAIN');",
	},
	"mailcow": {
		"INSERT INTO domain (domain) VALUES ('NAME');",
		"INSERT INTO mailbox (username, name, quota, local_part, domain) VALUES ('ADDRESS', NULL, 0, 'LOCAL', 'DOMAIN');",
		"INSERT INTO alias (address, goto, domain) VALUES ('ADDRESS', 'TARGETS', 'DOMAIN');",
	},
	"iredmail": {
		"INSERT INTO domain (domain) VALUES ('NAME');",
		"INSERT INTO mailbox (username, domain) VALUES ('ADDRESS', 'DOMAIN');",
		"INSERT INTO forwardings (address, forwarding, domain) VALUES ('ADDRESS', 'TARGETS', 'DOMAIN');",
	},
	"modoboa": {
		"INSERT INTO admin_domain (id, name, quota, default_mailbox_quota, enabled, type) VALUES (NEXT, 'NAME', 0, 0, TRUE, 'domain');",
		`INSERT INTO core_user (id, username, first_name, last_name, email, is_active) VALUES (NEXT, 'ADDRESS', '', '', 'ADDRESS', TRUE);
INSERT INTO admin_mailbox (id, address, quota, use_domain_quota, domain_id, user_id) VALUES (NEXT, 'LOCAL', 0, FALSE, (SELECT id FROM admin_domain WHERE name = 'DOMAIN'), NEXT);`,
		`INSERT INTO admin_alias (id, address, domain_id, enabled, internal) VALUES (NEXT, 'ADDRESS', 1, TRUE, FALSE);
INSERT INTO modoboa_admin_aliasrecipient (address, alias_id) VALUES ('TARGETS', NEXT);`,
	},
	"ispconfig": {
		"INSERT INTO mail_domain (server_id, domain, active) VALUES (1, 'NAME', 'y');",
		"INSERT INTO mail_user (server_id, email, login) VALUES (1, 'ADDRESS', 'ADDRESS');",
		"INSERT INTO mail_forwarding (server_id, source, destination, type, active) VALUES (1, 'ADDRESS', 'TARGETS', 'forward', 'y');",
	},
	"mailu": {
		"INSERT INTO domain (name, max_users, max_aliases) VALUES ('NAME', 0, 0);",
		"INSERT INTO USERS (localpart, domain_name, email, quota_bytes, enabled, enable_imap, enable_pop, displayed_name) VALUES ('LOCAL', 'DOMAIN', 'ADDRESS', 0, TRUE, TRUE, TRUE, '');",
		"INSERT INTO alias (localpart, domain_name, email, wildcard, destination) VALUES ('LOCAL', 'DOMAIN', 'ADDRESS', FALSE, 'TARGETS');",
	},
	"virtual": {
		"INSERT INTO virtual_domains (id, name) VALUES (NEXT, 'NAME');",
		"INSERT INTO virtual_users (domain_id, email) VALUES (1, 'ADDRESS');",
		"INSERT INTO virtual_aliases (domain_id, source, destination) VALUES (1, 'ADDRESS', 'TARGETS');",
	},
}

func (r rows) sql(kind database.Kind) string {
	var b strings.Builder
	next := 1000
	write := func(text string, pairs ...string) {
		next++
		users := `"user"`
		if kind == database.MySQL {
			users = "`user`"
		}
		b.WriteString(strings.NewReplacer(append(pairs, "NEXT", fmt.Sprint(next), "USERS", users)...).Replace(text) + "\n")
	}
	for _, name := range []string{"bücher.example", "xn--mller-kva.example", "Upper.Example"} {
		write(r.domain, "NAME", name)
	}
	for _, a := range []string{"jo@bücher.example", "jo@xn--mller-kva.example", "uwe@Upper.Example"} {
		local, domain, _ := strings.Cut(a, "@")
		write(r.mailbox, "ADDRESS", a, "LOCAL", local, "DOMAIN", domain)
	}
	for _, pair := range [][2]string{
		{"chain", "info@example.com"},
		{"capitals", "ANNA@Example.COM"},
		{"blanks", " anna@example.com "},
		{"twice", "anna@example.com, Anna@example.com"},
		{"empty", ""},
		{"program", "|/bin/cat"},
		{"circle-a", "circle-b@example.com"},
		{"circle-b", "circle-a@example.com"},
		{"itself", "itself@example.com"},
		{"nowhere", "nobody@example.com"},
		{"catch", "@example.com"},
	} {
		write(r.alias, "ADDRESS", pair[0]+"@example.com", "LOCAL", pair[0], "DOMAIN", "example.com", "TARGETS", pair[1])
	}
	return b.String()
}

// What stands in the wild in any of these systems' tables is known as the right
// account, or isn't known for a reason that is said.
func TestPresetsInTheWild(t *testing.T) {
	t.Parallel()
	const circle = "in a circle"
	for _, info := range Presets() {
		for _, kind := range info.Kinds {
			t.Run(info.Name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				tables, err := os.ReadFile(fmt.Sprintf("testdata/presets/%s.%s.sql", info.Name, kind))
				if err != nil {
					t.Fatal(err)
				}
				queries, _ := Preset(info.Name, kind)
				s := source(t, load(t, kind, string(tables)+presetRows[info.Name].sql(kind)), Options{Queries: queries})
				for address, want := range map[string]string{ // an address, its login, or part of the reason
					"chain@example.com": "anna@example.com", "capitals@example.com": "anna@example.com", "blanks@example.com": "anna@example.com",
					"twice@example.com": "anna@example.com",
					"empty@example.com": "leads nowhere", "program@example.com": "something else than an address", "circle-a@example.com": circle,
					"itself@example.com": "alias of itself", "nowhere@example.com": "no mailbox here", "catch@example.com": "something else",
					"team@example.com": "several addresses", "away@example.com": "no mailbox here", "nobody@example.com": "",
					"jo@bücher.example": "jo@xn--bcher-kva.example as jo@bücher.example", "jo@müller.example": "jo@xn--mller-kva.example",
				} {
					if got := why(t, s, address); got != want && (want == "" || !strings.Contains(got, want) || strings.Contains(want, "@")) {
						t.Errorf("%s: %q, want %q", address, got, want)
					}
				}
				for name, want := range map[string]string{"xn--bcher-kva.example": "xn--bcher-kva.example", "xn--mller-kva.example": "xn--mller-kva.example"} {
					if got := domainOf(t, s, name); got != want {
						t.Errorf("%s: %q", name, got)
					}
				}
				// A database that tells letters' cases apart finds no capitals, and neither does
				// its mail server: what it asks for is in lower case, too.
				want := ""
				if kind == database.MySQL {
					want = "uwe@upper.example"
				}
				if got := why(t, s, "uwe@upper.example"); got != want {
					t.Errorf("capitals: %q, want %q", got, want)
				}
			})
		}
	}
}

// why is the address of an account, with its login, or why it isn't known.
func why(t *testing.T, s *Source, address string) string {
	t.Helper()
	account, err := s.Account(t.Context(), settings.MustAddress(address))
	switch why := (directory.Discarded{}); {
	case errors.As(err, &why):
		return why.Why
	case errors.Is(err, directory.ErrNotFound):
		return ""
	case err != nil:
		t.Errorf("%s: %v", address, err)
		return err.Error()
	case account.Login != "":
		return account.Address.String() + " as " + account.Login
	}
	return account.Address.String()
}
