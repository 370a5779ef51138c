package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"autoconfig/internal/testkit"
)

// process is a running "autoconfig serve".
type process struct {
	public, private string // addresses
	pid             int
	out             string // what it printed before it served
	stop            func() (said string, err error)
}

// serve starts the command on free ports and waits until it says that it serves.
func serve(t *testing.T, folder string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("autoconfig", append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = folder
	return begin(t, cmd)
}

// begin starts a command that serves.
func begin(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	reader, writer := io.Pipe() // the demo's text goes to standard output, the log to standard error
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); _ = writer.Close() }()
	p := &process{pid: cmd.Process.Pid}
	said := bufio.NewReader(reader)
	for p.public == "" {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("serve ended: %v\n%s", <-ended, p.out)
		}
		p.out += line
		if at := regexp.MustCompile(` listen=(\S+) admin_listen=(\S+)`).FindStringSubmatch(line); at != nil {
			p.public, p.private = at[1], at[2]
		}
	}
	rest := make(chan string, 1) // read all the time: a full pipe would stop the service
	go func() {
		text, _ := io.ReadAll(said)
		rest <- string(text)
	}()
	p.stop = sync.OnceValues(func() (string, error) {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return p.out + <-rest, <-ended
	})
	t.Cleanup(func() {
		if said, err := p.stop(); err != nil {
			t.Errorf("serve ended with %v\n%s", err, said)
		}
	})
	return p
}

// shell runs a line as a person would type it, and gives what is seen.
func shell(t *testing.T, folder, line string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = folder
	seen, err := cmd.CombinedOutput()
	if err != nil && len(seen) == 0 {
		seen = []byte(err.Error())
	}
	return string(seen)
}

// Everything that serve --demo prints to try does what it says.
func TestWhatTheDemoPrintsWorks(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	demo := serve(t, t.TempDir(), "--demo")
	var commands []string
	for line := range strings.Lines(demo.out) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "curl ") || strings.HasPrefix(line, "go run ") {
			commands = append(commands, line)
		}
	}
	want := []string{
		`<incomingServer type="pop3">[^$]*<daysToLeaveMessagesOnServer>9<`,
		`<incomingServer type="imap">[^$]*%EMAILADDRESS%`,
		`<incomingServer type="pop3">[^$]*EVOLUTIONUSER|<incomingServer type="pop3">[^$]*%EMAILADDRESS%`,
		`<Type>IMAP</Type>[^$]*<LoginName>office@example.com<`,
		`"Url":"http://` + regexp.QuoteMeta(demo.public) + `/autodiscover/autodiscover.xml"`,
		`<string>EmailTypePOP</string>`,
		`"protocols": {[^$]*"host": "imap.example.com"`,
		`"state":"open","url":"http://` + regexp.QuoteMeta(demo.public) + `/s/[0-9a-v]{26}"`,
		`^{"status":"ready"|^ready|ok`,
		`autoconfig_`,
		`protocol +POP3, mail is left on the server for 9 days`,
		`_imaps._tcp.example.com.\s3600\sIN\sSRV\s0 1 993 imap.example.com.`,
	}
	if len(commands) != len(want) {
		t.Fatalf("%d commands:\n%s", len(commands), strings.Join(commands, "\n"))
	}
	for i, command := range commands {
		typed := strings.Replace(command, "go run ./cmd/autoconfig", "autoconfig", 1)
		typed = strings.Replace(typed, "curl ", "curl -sS ", 1)
		if seen := shell(t, "", typed); !regexp.MustCompile(want[i]).MatchString(seen) {
			t.Errorf("%s\n%s\nwant %s", command, seen, want[i])
		}
	}
}

// A running serve has what a command changed; directory's own tests show that it
// asks four times a second.
func TestARunningServeSeesWhatACommandChanges(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	autoconfig := func(line string) {
		t.Helper()
		if seen := shell(t, folder, "autoconfig "+line+" || echo FAILED"); strings.Contains(seen, "FAILED") {
			t.Fatalf("%s\n%s", line, seen)
		}
	}
	autoconfig("init --domain example.org --imap mail.example.org --pop3 mail.example.org --smtp mail.example.org --public-url https://autoconfig.example.org")
	autoconfig("apply")
	p := serve(t, folder)
	if info, err := os.Stat(folder + "/autoconfig.secret"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret: %v %v", info, err)
	}
	url := "http://" + p.public + "/mail/config-v1.1.xml?emailaddress=office%40example.org"
	eventually(t, url, `type="imap"`)
	autoconfig("account add office@example.org --protocol pop3")
	eventually(t, url, `type="pop3"`)
	autoconfig("account remove office@example.org")
	eventually(t, url, `type="imap"`)
	autoconfig("domain set example.org --alias example.test")
	eventually(t, strings.Replace(url, "example.org", "example.test", 1), `<domain>example.test</domain>`)
	autoconfig("domain remove example.org")
	eventually(t, url, `not served|</none>`)
	autoconfig("apply")
	eventually(t, url, `type="imap"`)
	if log, err := p.stop(); err != nil || strings.Contains(log, "office") || strings.Contains(log, "level=ERROR") {
		t.Errorf("%v, and the log says\n%s", err, log)
	}
}

// The help desk on a listener of its own: links, tokens and people made by commands
// work in the running service at once, and end there at once.
func TestTheHelpDeskOfARunningServe(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	folder := t.TempDir()
	autoconfig := func(line string) string {
		t.Helper()
		return strings.TrimSpace(shell(t, folder, "autoconfig "+line+" 2>/dev/null || echo FAILED"))
	}
	autoconfig("init --domain example.org --imap mail.example.org --pop3 none --smtp mail.example.org --public-url https://setup.example.org")
	autoconfig("apply")
	shell(t, folder, "printf 'staff_listen: 127.0.0.1:18082\nstaff_url: http://127.0.0.1:18082\n' | sed s/18082/"+testkit.FreePort(t)+"/ >> autoconfig.yaml")
	p := serve(t, folder)
	desk := strings.TrimSpace(shell(t, folder, "sed -n 's/^staff_url: //p' autoconfig.yaml"))
	status := func(url string, more ...string) string {
		t.Helper()
		return shell(t, folder, "curl -s -o /dev/null -w '%{http_code}' "+strings.Join(more, " ")+" "+url)
	}
	link := "http://" + p.public + strings.TrimPrefix(autoconfig("link create office@example.org --language de"), "https://setup.example.org")
	token := "-H 'Authorization: Bearer " + autoconfig("token create panel --scopes links:read,decisions:read --domains example.org") + "'"
	for name, c := range map[string]struct{ want, seen string }{
		"the sign-in on its listener":        {"200", status(desk + "/helpdesk/sign-in")},
		"the sign-in on the private one":     {"404", status("http://" + p.private + "/helpdesk/sign-in")},
		"the sign-in on the public one":      {"404", status("http://" + p.public + "/helpdesk/sign-in")},
		"the API on its listener":            {"200", status(desk+"/api/v1/decisions/a%40example.org", token)},
		"the API on the public one":          {"404", status("http://"+p.public+"/api/v1/links", token)},
		"the API without a token":            {"401", status(desk + "/api/v1/links")},
		"the metrics on the help desk's":     {"404", status(desk + "/metrics")},
		"the link":                           {"200", status(link)},
		"the link, used":                     {"303", status(link, "-X POST -d do=settings")},
		"the setup page":                     {"200", status("http://" + p.public + "/")},
		"a link that nobody made":            {"404", status("http://" + p.public + "/s/00000000000000000000000000")},
		"the description of the API, to all": {"200", status(desk + "/openapi.json")},
	} {
		if c.seen != c.want {
			t.Errorf("%s: %s, want %s", name, c.seen, c.want)
		}
	}
	if seen := status(link, "-X POST -d do=settings"); seen != "410" {
		t.Errorf("the link, once more: %s", seen)
	}
	second := "http://" + p.public + strings.TrimPrefix(autoconfig("link create office@example.org"), "https://setup.example.org")
	if seen := autoconfig("account forget office@example.org"); !strings.Contains(seen, "forgotten-") || status(second) != "410" {
		t.Errorf("a forgotten address: %s, its link %s", seen, status(second))
	}
	if password := autoconfig("staff add eva --role admin"); len(password) != 26 {
		t.Errorf("password %q", password)
	}
	if log, err := p.stop(); err != nil || strings.Contains(log, "office") || strings.Contains(log, "level=ERROR") || strings.Contains(log, link[strings.LastIndexByte(link, '/')+1:]) {
		t.Errorf("%v, and the log says\n%s", err, log)
	}
}

// eventually asks until the answer has the pattern.
func eventually(t *testing.T, url, pattern string) {
	t.Helper()
	var body []byte
	testkit.Until(t, func() string { return fmt.Sprintf("%s has %s; the last answer:\n%s", url, pattern, body) }, func() bool {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(pattern).Match(body)
	})
}
