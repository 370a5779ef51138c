package testkit

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Evolution asks Evolution's own library for an account's configuration, as
// its account assistant does.
type Evolution struct {
	program, version string
}

// Version is the library's, such as "3.46.4".
func (e *Evolution) Version() string { return e.version }

// EvolutionAccount is what the library found. It has no notion of one incoming
// protocol: a document with both gives both.
type EvolutionAccount struct {
	IMAP EvolutionServer `json:"imap"`
	POP3 EvolutionServer `json:"pop3"`
	SMTP EvolutionServer `json:"smtp"`
}

// EvolutionServer is a server in Evolution's terms.
type EvolutionServer struct {
	Found    bool   `json:"found"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	User     string `json:"user"`
	Security string `json:"security"` // one of the Evolution constants
	// AuthMechanism is empty for a password in the clear with IMAP and POP3
	// (commands LOGIN and USER), and "LOGIN" for the same with SMTP.
	AuthMechanism string `json:"authMechanism"`
}

// The values of EvolutionServer.Security.
const (
	EvolutionPlain    = "none"
	EvolutionTLS      = "ssl-on-alternate-port"
	EvolutionSTARTTLS = "starttls-on-standard-port"
)

// StartEvolution builds the small program that calls the library, and makes
// the namespace trust ca: for every program that reads Debian's bundle of
// authorities, which then holds ca alone.
func StartEvolution(t testing.TB, ca *CA) *Evolution {
	t.Helper()
	Need(t, "evolution")
	requireNamespace(t) // it would ask the real Internet
	mountFile(t, "/etc/ssl/certs/ca-certificates.crt", string(ca.PEM()))

	dir := t.TempDir()
	source := writeFile(t, dir, "evolution.c", []byte(evolutionSource))
	flags, err := exec.Command("pkg-config", append([]string{"--cflags", "--libs"},
		strings.Fields(evolutionLibraries)...)...).Output()
	if err != nil {
		t.Fatalf("pkg-config: %v", err)
	}
	program := filepath.Join(dir, "evolution")
	command(t, "gcc", append([]string{
		"-Wall", "-Wno-deprecated-declarations", "-o", program, source,
		// Debian keeps the library where the loader does not look.
		"-Wl,-rpath,/usr/lib/evolution",
	}, strings.Fields(string(flags))...)...)
	version, err := exec.Command("pkg-config", "--modversion", "evolution-mail-3.0").Output()
	if err != nil {
		t.Fatalf("pkg-config: %v", err)
	}
	return &Evolution{program, strings.TrimSpace(string(version))}
}

// Configure looks for the configuration of an address. Finding no server is
// [ErrNoAccount].
func (e *Evolution) Configure(ctx context.Context, email string) (*EvolutionAccount, error) {
	outcomes, err := e.ConfigureAll(ctx, email)
	if err != nil {
		return nil, err
	}
	return outcomes[0].Account, outcomes[0].Err
}

// EvolutionOutcome is what [Evolution.Configure] returns for one address.
type EvolutionOutcome struct {
	Account *EvolutionAccount
	Err     error
}

// ConfigureAll does [Evolution.Configure] for many addresses in one process, one
// after the other.
func (e *Evolution) ConfigureAll(ctx context.Context, emails ...string) ([]EvolutionOutcome, error) {
	home, err := os.MkdirTemp("", "evolution") // nothing of an earlier call may be left
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(home) }() // if not now, then with the namespace
	stdout, stderr, err := e.run(ctx, home, emails)
	if err != nil {
		return nil, fmt.Errorf("evolution: %w\n%s", err, stderr)
	}
	decoder := json.NewDecoder(strings.NewReader(stdout))
	outcomes := make([]EvolutionOutcome, len(emails))
	for i := range outcomes {
		var reply struct {
			OK  bool   `json:"ok"`
			Why string `json:"why"`
			EvolutionAccount
		}
		if err := decoder.Decode(&reply); err != nil {
			return nil, fmt.Errorf("evolution: %s: %w in %q\n%s", emails[i], err, stdout, stderr)
		}
		account := reply.EvolutionAccount
		switch {
		case !reply.OK:
			outcomes[i].Err = noAccount(reply.Why)
		case !account.IMAP.Found && !account.POP3.Found && !account.SMTP.Found:
			// A well-formed document of another kind ends the search without an error.
			outcomes[i].Err = ErrNoAccount
		default:
			outcomes[i].Account = &account
		}
	}
	return outcomes, nil
}

//go:embed clients/evolution.c
var evolutionSource string

// sessionBus is Debian's configuration but for the folder of the socket, where
// a bus that is killed leaves it behind.
const sessionBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=%s</listen>
  <auth>EXTERNAL</auth>
  <standard_session_servicedirs/>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// run calls the program on a session bus of its own, where the library's
// registry of accounts is started. Output goes to files: a pipe would be held
// open by what the bus has started.
func (e *Evolution) run(ctx context.Context, home string, emails []string) (stdout, stderr string, err error) {
	env, err := clientEnvironment(home)
	if err != nil {
		return "", "", err
	}
	config := filepath.Join(home, "session.conf")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(sessionBus, home)), 0o600); err != nil {
		return "", "", err
	}
	outFile, err := os.Create(filepath.Join(home, "stdout"))
	if err != nil {
		return "", "", err
	}
	defer func() { _ = outFile.Close() }()
	errFile, err := os.Create(filepath.Join(home, "stderr"))
	if err != nil {
		return "", "", err
	}
	defer func() { _ = errFile.Close() }()

	arguments := append([]string{"--config-file=" + config, "--", e.program, home}, emails...)
	cmd := exec.CommandContext(ctx, "dbus-run-session", arguments...)
	cmd.Env = env
	cmd.Dir = home
	cmd.Stdout, cmd.Stderr = outFile, errFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	runErr := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the bus has started
	}

	out, outErr := os.ReadFile(outFile.Name())
	log, logErr := os.ReadFile(errFile.Name())
	return string(out), string(log), errors.Join(runErr, outErr, logErr)
}
