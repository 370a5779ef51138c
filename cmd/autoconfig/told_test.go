package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// put puts files into a folder, with a mode.
func put(t *testing.T, folder string, mode os.FileMode, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
}

// Everything that keeps it from starting is said at once: whoever mends it doesn't
// have to start it once for each.
func TestServeSaysAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	ca := testkit.NewCA(t)
	certificate, _ := ca.Issue(t, testkit.Leaf{Names: []string{"a.example"}}).PEM(t)
	_, key := ca.Issue(t, testkit.Leaf{Names: []string{"b.example"}}).PEM(t)
	put(t, folder, 0o600, map[string]string{"cert.pem": string(certificate), "key.pem": string(key), "encrypted.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"})
	put(t, folder, 0o644, map[string]string{"oidc.secret": "secret", "panel.address": "sqlite:panel.db  \n"})
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": fmt.Sprintf(`public_url: https://setup.example.com
listen: %[1]s
admin_listen: %[1]s
templates_folder: texts
tls: {certificate: cert.pem, key: key.pem}
signing: {certificate: cert.pem, key: encrypted.pem}
oidc: {issuer: "https://id.example.com", client_id: a, client_secret_file: oidc.secret, role_claim: groups, roles: {desk: staff}}
sources:
  - name: panel
    plan: nope
    sql: {database_file: panel.address, account: "SELECT address FROM mailbox WHERE address = :address"}
`, taken.Addr())})
	cmd := exec.Command("autoconfig", "serve")
	cmd.Dir = folder
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitFailure {
		t.Errorf("it ends with %d", code)
	}
	for _, want := range []string{
		`^autoconfig: 8 things are wrong:\n`,
		`\n- oidc\.client_secret_file: oidc\.secret may be read by others \(mode 0644\); do: chmod 640 oidc\.secret\n`,
		`\n- sources\[0\]\.sql\.database_file: panel\.address may be read by others`,
		`\n- tls: cert\.pem and key\.pem don't belong together`,
		`\n- signing: encrypted\.pem: .*encrypted; decrypt it with: openssl pkey`,
		`\n- templates_folder: open texts: no such file or directory\n`,
		`\n- listen: ` + taken.Addr().String() + ` is in use already`,
		`\n- admin_listen: ` + taken.Addr().String() + ` is in use already`,
		`\n- autoconfig\.yaml:11:10: the source panel: open the database: stat panel\.db: no such file or directory\n +11 \| `,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("it doesn't say %s:\n%s", want, out)
		}
	}
}

// A database_file that can't be used is shown in its place.
func TestADatabaseFileIsShownInItsPlace(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "listen: 127.0.0.1:0\ndatabase_file: nowhere\n"})
	status, _, said := command(t, "", "domain", "list", "--config", filepath.Join(folder, "autoconfig.yaml"))
	if want := "autoconfig.yaml:2:16: database_file: open "; status != exitFailure || !strings.Contains(said, want) {
		t.Errorf("%d\n%s\nwant %s", status, said, want)
	}
}

// Each query that the database refuses is shown in its place.
func TestServeShowsWhichQueriesAreWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": `listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
sources:
  - name: panel
    sql:
      database: sqlite:panel.db
      account: SELECT address FROM mailbox WHERE address = :address
      alias: SELECT target FROM alias WHERE address = :address
      domain: SELECT name FROM mailbox WHERE address = :domain
`})
	makePanel(t, filepath.Join(folder, "panel.db"))
	cmd := exec.Command("autoconfig", "serve")
	cmd.Dir = folder
	out, _ := cmd.CombinedOutput()
	for _, want := range []string{
		`^autoconfig: 2 things are wrong:\n`,
		`\n- autoconfig\.yaml:8:14: the source panel: the query can't be used: ask the query alias: .*no such table: alias`,
		`\n- autoconfig\.yaml:9:15: the source panel: the query can't be used: ask the query domain: .*no such column: name`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("it doesn't say %s:\n%s", want, out)
		}
	}
}

// A plan that isn't there refuses everybody in the domains of a source for good, so
// it is told at the start; a site that is still empty has its plans to come, and a
// plan that is removed later is told at /readyz.
func TestASourceWithAPlanThatIsNotThere(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": `public_url: https://setup.example.com
sources:
  - name: panel
    plan: nope
    sql: {database: "sqlite:autoconfig.db", account: "SELECT 'a@example.com' AS address WHERE :address = 'x'"}
`,
		"site.yaml": "domains:\n  - {name: example.org, servers: {imap: {host: mail.example.org}, smtp: {host: mail.example.org}}}\n",
	})
	p := serve(t, folder)
	eventually(t, "http://"+p.private+"/readyz", `"status":"degraded".*"code":"source-plan".*there is no plan \\"nope\\"`)
	if said, err := p.stop(); err != nil || !strings.Contains(said, `there is no plan`) {
		t.Errorf("%v\n%s", err, said)
	}
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "example.org") {
		t.Fatal(seen)
	}
	seen := shell(t, folder, "autoconfig serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0")
	if want := `autoconfig.yaml:4:11: the source panel: there is no plan "nope"; its domains without a plan of their own can't be served` + "\n    4 |     plan: nope\n      |           ^"; !strings.Contains(seen, want) {
		t.Errorf("it says\n%s\nwant\n%s", seen, want)
	}
}

// What is wrong and doesn't keep it from serving is told at the start, at /readyz
// and in the metrics.
func TestServeWarnsOfWhatItCanServeWith(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	issued := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"other.example.net"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	certificate, key := issued.PEM(t)
	put(t, folder, 0o640, map[string]string{"cert.pem": string(certificate), "key.pem": string(key)})
	put(t, folder, 0o600, map[string]string{"oidc.secret": "secret", "autoconfig.yaml": `public_url: https://setup.example.com
tls: {certificate: cert.pem, key: key.pem}
signing: {certificate: cert.pem, key: key.pem}
oidc: {issuer: "http://127.0.0.1:1", client_id: a, client_secret_file: oidc.secret, role_claim: groups, roles: {desk: staff}}
`})
	p := serve(t, folder)
	ready := shell(t, folder, "curl -sS http://"+p.private+"/readyz")
	metrics := shell(t, folder, "curl -sS http://"+p.private+"/metrics")
	said, err := p.stop()
	if err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(ready, `{"status":"degraded"`) {
		t.Error(ready)
	}
	for code, want := range map[string]string{
		"certificate-expired":    `has expired at`,
		"certificate-names":      `no certificate is for setup.example.com, the host of public_url: it is for other.example.net`,
		"identity-provider-down": `the identity provider can't be used`,
	} {
		if !strings.Contains(said, "code="+code) || !strings.Contains(said, want) {
			t.Errorf("the log doesn't tell %s, %s:\n%s", code, want, said)
		}
		if !strings.Contains(ready, `"code":"`+code+`"`) || !strings.Contains(ready, want) {
			t.Errorf("/readyz doesn't tell %s, %s:\n%s", code, want, ready)
		}
		if !strings.Contains(metrics, `autoconfig_problem{code="`+code+`",severity="error"} 1`) {
			t.Errorf("the metrics don't tell %s", code)
		}
	}
	for _, use := range []string{"tls", "signing"} {
		if want := fmt.Sprintf("autoconfig_certificate_expiry_timestamp_seconds{use=%q} ", use); !strings.Contains(metrics, want) {
			t.Errorf("no metric %s", want)
		}
	}
}

// A secret_file that was lost, for which a new one is made in silence, is told with what
// it costs until somebody accepts it or puts the old one back.
func TestServeNoticesAnotherSecret(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://setup.example.com\n"})
	secret := filepath.Join(folder, "autoconfig.secret")
	told := func() bool {
		t.Helper()
		p := serve(t, folder)
		ready := shell(t, folder, "curl -sS http://"+p.private+"/readyz")
		said, err := p.stop()
		if err != nil {
			t.Error(err)
		}
		told := strings.Contains(ready, `"code":"secret-foreign"`)
		if told != strings.Contains(said, "code=secret-foreign") || told != strings.Contains(said, "second factor") {
			t.Errorf("the log and /readyz disagree:\n%s\n%s", said, ready)
		}
		return told
	}
	if told() {
		t.Error("it complains of its own secret")
	}
	if err := os.Rename(secret, secret+".old"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // at the next start as well
		if !told() {
			t.Error("it says nothing of another secret")
		}
	}
	if err := os.Rename(secret, secret+".new"); err != nil {
		t.Fatal(err)
	}
	if seen := shell(t, folder, "autoconfig secret accept"); !strings.Contains(seen, "isn't there") {
		t.Error(seen)
	}
	if err := os.Rename(secret+".old", secret); err != nil {
		t.Fatal(err)
	}
	if told() {
		t.Error("it complains of the old secret, which is back")
	}
	if err := os.Rename(secret+".new", secret); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"belongs to this autoconfig.secret now", "Nothing was changed"} {
		if seen := shell(t, folder, "autoconfig secret accept"); !strings.Contains(seen, want) {
			t.Errorf("%s, want %s", seen, want)
		}
	}
	if told() {
		t.Error("it complains of a secret that was accepted")
	}
	db := openDatabase(t, "sqlite:autoconfig.db", folder)
	if got := column(t, db, `SELECT actor, action, subject FROM audit WHERE action = 'secret accepted'`); !slices.Equal(got, []string{"command line secret accepted autoconfig.secret"}) {
		t.Errorf("the audit log has %q", got)
	}
}
