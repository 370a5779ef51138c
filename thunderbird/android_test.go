package thunderbird

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"autoconfig/settings"
)

func TestAndroidQRIsTheFormatsExample(t *testing.T) {
	t.Parallel()
	s := office()
	pop3(&s, settings.Retention{Leave: true, Days: 9})
	s.Typed = settings.MustAddress("workshop@example.com")
	s.IncomingLogin.Literal, s.OutgoingLogin.Literal = "workshop@example.com", "workshop@example.com"
	s.DisplayName = "Workshop"
	got, err := AndroidQR(s)
	want := `[1,[1,1],[1,"pop.example.com",995,3,1,"workshop@example.com"],[[[0,"smtp.example.com",465,3,1,"workshop@example.com"],["workshop@example.com","Workshop"]]]]`
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

// account is a payload as the app reads it.
type account struct{ in, out, identity []any }

// readAndroid follows the format's rules and nothing else (qr-code-format.md):
// lengths, types and ranges of each element.
func readAndroid(payload []byte) (account, error) {
	var top []any
	if err := json.Unmarshal(payload, &top); err != nil {
		return account{}, err
	}
	if len(top) != 4 || top[0] != 1.0 || fmt.Sprint(top[1]) != "[1 1]" {
		return account{}, fmt.Errorf("head %v", top)
	}
	groups, _ := top[3].([]any)
	if len(groups) != 1 {
		return account{}, fmt.Errorf("%d outgoing groups", len(groups))
	}
	group, _ := groups[0].([]any)
	if len(group) != 2 {
		return account{}, fmt.Errorf("group %v", group)
	}
	var a account
	a.in, _ = top[2].([]any)
	a.out, _ = group[0].([]any)
	a.identity, _ = group[1].([]any)
	for i, server := range [][]any{a.in, a.out} {
		if len(server) != 6 { // more would be an account name or a password
			return a, fmt.Errorf("server %v", server)
		}
		protocol, _ := server[0].(float64)
		port, _ := server[2].(float64)
		security, _ := server[3].(float64)
		auth, _ := server[4].(float64)
		host, hostOK := server[1].(string)
		user, userOK := server[5].(string)
		if protocol != 0 && (protocol != 1 || i == 1) || port < 1 || port > 65535 || security != 0 && security != 2 && security != 3 ||
			auth < 0 || auth > 6 || auth == 3 || auth == 4 || !hostOK || !userOK || !isASCII(host) || strings.ContainsAny(user, "\r\n") {
			return a, fmt.Errorf("server %v", server)
		}
	}
	if len(a.identity) != 2 || !isASCII(a.identity[0].(string)) {
		return a, fmt.Errorf("identity %v", a.identity)
	}
	return a, nil
}

func TestAndroidQRKeepsTheRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		in     string
	}{
		"IMAP":     {func(*settings.Settings) {}, "[0 imap.example.com 993 3 1 office@example.com]"},
		"STARTTLS": {func(s *settings.Settings) { s.Incoming.Security, s.Incoming.Port = settings.STARTTLS, 143 }, "[0 imap.example.com 143 2 1 office@example.com]"},
		"the next mechanism": {func(s *settings.Settings) {
			s.Incoming.Auth = []settings.Auth{settings.AuthGSSAPI, settings.AuthNTLM, settings.AuthCramMD5}
		}, "[0 imap.example.com 993 3 2 office@example.com]"},
		"OAuth2":     {func(s *settings.Settings) { s.Incoming.Auth = []settings.Auth{settings.AuthOAuthBearer} }, "[0 imap.example.com 993 3 6 office@example.com]"},
		"characters": {func(s *settings.Settings) { s.DisplayName, s.IncomingLogin.Literal = "Jörg \"<&>", `a"b\c` }, `[0 imap.example.com 993 3 1 a"b\c]`},
	} {
		s := office()
		c.change(&s)
		payload, err := AndroidQR(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := readAndroid(payload)
		if err != nil || fmt.Sprint(got.in) != c.in || got.identity[1] != s.DisplayName {
			t.Errorf("%s: %v %v\n%s", name, got, err, payload)
		}
	}
}

func TestAndroidQRRefusesWhatTheAppRefuses(t *testing.T) {
	t.Parallel()
	s := office()
	s.Incoming.Auth = []settings.Auth{settings.AuthGSSAPI}
	if _, err := AndroidQR(s); !errors.Is(err, ErrAndroidAuth) {
		t.Errorf("GSSAPI alone: %v", err)
	}
	s = office()
	s.Typed = settings.MustAddress("jörg@example.com")
	if _, err := AndroidQR(s); !errors.Is(err, ErrAndroidAddress) {
		t.Errorf("not ASCII: %v", err)
	}
	s.Typed = settings.Address{}
	if _, err := AndroidQR(s); !errors.Is(err, ErrAndroidAddress) {
		t.Errorf("no address: %v", err)
	}
}
