package testkit

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ErrNoAccount means that the client looked everywhere and found nothing.
var ErrNoAccount = errors.New("no account found")

// ErrPasswordWanted means that Thunderbird found nothing but an Autodiscover
// server that answers 401: the dialog asks for the password now.
var ErrPasswordWanted = errors.New("password wanted by Autodiscover")

// ErrUnsupported means that what was found is neither IMAP nor POP3; the
// result still says what and where.
var ErrUnsupported = errors.New("found account is neither IMAP nor POP3")

// Thunderbird is one running program with a profile of its own.
type Thunderbird struct {
	remote *marionette
	mu     sync.Mutex // Marionette takes one command at a time
}

// Person is whose account [Thunderbird.Configure] sets up.
type Person struct {
	Email    string `json:"email"`
	RealName string `json:"realName"`
	// Password is sent to Autodiscover over https. The dialog has none in its
	// first round; see ErrPasswordWanted.
	Password string `json:"password"`
	// Document is a URL that is read alone, with nothing looked for; "" to look.
	Document string `json:"document"`
	// AcceptRedirect is the answer when Autodiscover leads to another site.
	AcceptRedirect bool `json:"acceptRedirect"`
}

// Result is the account as Thunderbird has stored it, and where it came from.
type Result struct {
	Source       string         `json:"source"`    // "xml" or "exchange"
	SubSource    string         `json:"subSource"` // for example "xml-from-isp-https" (docs/clients.md)
	DisplayName  string         `json:"displayName"`
	Email        string         `json:"email"`
	RealName     string         `json:"realName"`
	Incoming     MailServer     `json:"incoming"`
	POP3         *POP3Retention `json:"pop3"` // nil with IMAP
	Outgoing     MailServer     `json:"outgoing"`
	Alternatives []MailServer   `json:"alternatives"` // other incoming servers, offered but not stored
	Why          string         `json:"why"`          // why a document isn't taken, in its words
	Redirects    []string       `json:"redirects"`    // sites ("hoster.net") about which Autodiscover asked the person
}

// MailServer is a server in Thunderbird's terms.
type MailServer struct {
	Type       string     `json:"type"` // "imap", "pop3" or "smtp"
	Hostname   string     `json:"hostname"`
	Port       int        `json:"port"`
	SocketType SocketType `json:"socketType"`
	AuthMethod AuthMethod `json:"authMethod"`
	Username   string     `json:"username"`
}

// POP3Retention says what happens to mail on the server. True and 14 days are
// Thunderbird's defaults: a test proves something only with other values.
type POP3Retention struct {
	LeaveMessagesOnServer  bool `json:"leaveMessagesOnServer"`
	DeleteByAgeFromServer  bool `json:"deleteByAgeFromServer"`
	NumDaysToLeaveOnServer int  `json:"numDaysToLeaveOnServer"`
}

// SocketType is Thunderbird's nsMsgSocketType.
type SocketType int

// The socket types that Thunderbird stores.
const (
	SocketPlain    SocketType = 0
	SocketSTARTTLS SocketType = 2
	SocketTLS      SocketType = 3
)

// String names the socket type as the autoconfig format does.
func (s SocketType) String() string {
	switch s {
	case SocketPlain:
		return "plain"
	case SocketSTARTTLS:
		return "STARTTLS"
	case SocketTLS:
		return "SSL"
	}
	return fmt.Sprintf("socket type %d", int(s))
}

// AuthMethod is Thunderbird's nsMsgAuthMethod.
type AuthMethod int

// The authentication methods that an automatic configuration can give.
const (
	AuthNone      AuthMethod = 1
	AuthCleartext AuthMethod = 3
	AuthEncrypted AuthMethod = 4
	AuthGSSAPI    AuthMethod = 5
	AuthNTLM      AuthMethod = 6
	AuthOAuth2    AuthMethod = 10
)

// String names the method as the autoconfig format does.
func (a AuthMethod) String() string {
	switch a {
	case AuthNone:
		return "none"
	case AuthCleartext:
		return "password-cleartext"
	case AuthEncrypted:
		return "password-encrypted"
	case AuthGSSAPI:
		return "GSSAPI"
	case AuthNTLM:
		return "NTLM"
	case AuthOAuth2:
		return "OAuth2"
	}
	return fmt.Sprintf("authentication method %d", int(a))
}

// StartThunderbird starts a headless Thunderbird with a fresh profile that
// trusts ca (nil: nobody but the public authorities). Preferences in extra win
// over the kit's own. It ends with the test, and its output is logged when the
// test fails.
func StartThunderbird(t testing.TB, ca *CA, extra ...Prefs) *Thunderbird {
	t.Helper()
	Need(t, "thunderbird")
	requireNamespace(t) // it would ask the real Internet
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, profile, "user.js", userJS(t, extra))

	process := startProcess(t, home, thunderbirdBinary, "--headless", "--marionette",
		// Without this the chrome context is refused.
		"--remote-allow-system-access", "--no-remote", "--new-instance", "--profile", profile)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	remote, err := connectThunderbird(ctx, process, filepath.Join(profile, "MarionetteActivePort"))
	if err != nil {
		t.Fatalf("connecting to Thunderbird: %v", err)
	}
	t.Cleanup(func() { quitThunderbird(t, process, remote) })
	if ca != nil {
		if err := remote.script(ctx, `
			Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)
				.addCertFromBase64(arguments[0], "CTu,CTu,CTu");
			`, nil, base64.StdEncoding.EncodeToString(ca.root.Raw)); err != nil {
			t.Fatalf("trusting the test's authority: %v", err)
		}
	}
	return &Thunderbird{remote: remote}
}

// Configure does what the account dialog does for a person: it looks for a
// configuration and stores the account, which is read back and removed again.
// The dialog's last resorts, guessing names and probing ports, are left out:
// nothing found is [ErrNoAccount]. Nothing of an earlier call is left, but a
// context that ends during a call ends the connection too.
func (tb *Thunderbird) Configure(ctx context.Context, p Person) (*Result, error) {
	outcomes, err := tb.ConfigureAll(ctx, p)
	if err != nil {
		return nil, err
	}
	return outcomes[0].Result, outcomes[0].Err
}

// Version is the program's, such as "153.7.0".
func (tb *Thunderbird) Version() string { return tb.remote.version }

// Outcome is what [Thunderbird.Configure] returns for one person.
type Outcome struct {
	Result *Result
	Err    error
}

// ConfigureAll does [Thunderbird.Configure] for many people, some of them at a time.
func (tb *Thunderbird) ConfigureAll(ctx context.Context, people ...Person) ([]Outcome, error) {
	people = slices.Clone(people)
	for i := range people {
		if people[i].RealName == "" {
			people[i].RealName = people[i].Email // the dialog refuses an empty name
		}
	}
	var replies []reply
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if err := tb.remote.script(ctx, configureScript, &replies, people); err != nil {
		return nil, fmt.Errorf("thunderbird: %w", err)
	}
	outcomes := make([]Outcome, len(replies))
	for i := range replies {
		outcomes[i] = replies[i].outcome()
	}
	return outcomes, nil
}

// reply is what clients/thunderbird.js returns for a person.
type reply struct {
	Outcome string `json:"outcome"`
	Error   string `json:"error"`
	Stack   string `json:"stack"`
	Result
}

func (r *reply) outcome() Outcome {
	switch r.Outcome {
	case "found":
		return Outcome{Result: &r.Result}
	case "unsupported":
		return Outcome{&r.Result, ErrUnsupported}
	case "password":
		return Outcome{Err: ErrPasswordWanted}
	case "none":
		return Outcome{Err: noAccount(r.Why)}
	case "error":
		return Outcome{Err: fmt.Errorf("thunderbird: %s\n%s", r.Error, r.Stack)}
	}
	return Outcome{Err: fmt.Errorf("thunderbird: unknown outcome %q", r.Outcome)}
}

func noAccount(why string) error {
	if why == "" {
		return ErrNoAccount
	}
	return fmt.Errorf("%w: %s", ErrNoAccount, why)
}

// thunderbirdBinary is the program itself: the wrapper in /usr/bin starts it
// as a child and looks for a display.
const thunderbirdBinary = "/usr/lib/thunderbird/thunderbird-bin"

//go:embed clients/thunderbird.js
var configureScript string

// connectThunderbird waits until the program has written its port.
func connectThunderbird(ctx context.Context, p *process, portFile string) (*marionette, error) {
	port := ""
	err := p.poll(ctx, func() bool {
		content, err := os.ReadFile(portFile)
		port = strings.TrimSpace(string(content))
		return err == nil && port != "" // the file exists before its content
	})
	if err != nil {
		return nil, err
	}
	return dialMarionette(ctx, net.JoinHostPort("127.0.0.1", port))
}

// quitThunderbird asks the program to end and gives it a little time, so that
// what it prints at shutdown is complete; the process's own cleanup kills it.
func quitThunderbird(t testing.TB, p *process, remote *marionette) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := remote.call(ctx, "Marionette:Quit", map[string]any{"flags": []string{"eForceQuit"}}, nil)
	if err == nil {
		err = p.wait(ctx)
	}
	if err != nil {
		t.Logf("quitting Thunderbird: %v", err) // killed next, and the profile is thrown away
	}
	_ = remote.close()
}
