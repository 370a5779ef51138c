package main

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// A panel adds an account and sends its welcome; the message goes by Postfix to the
// person's other mailbox in Dovecot, and the link in it sets up the account: each step as
// the page for integrators shows it.
func TestAPanelWelcomesAMailbox(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	ca := testkit.NewCA(t)
	certificate := ca.Issue(t, testkit.Leaf{Names: []string{"127.0.0.1"}})
	dovecot := testkit.StartDovecot(t, certificate, "")
	postfix := testkit.StartPostfix(t, certificate, dovecot, `
virtual_mailbox_domains = home.example
virtual_mailbox_maps = inline:{ { eva@home.example = eva@home.example/ } }
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
`)
	folder := t.TempDir()
	_, port, err := net.SplitHostPort(postfix.Submissions)
	if err != nil {
		t.Fatal(err)
	}
	authority := ca.WriteFile(t, folder)
	writeFile(t, folder, "smtp.password", "never-sent\n")
	writeFile(t, folder, "first.yaml", doorsSite)
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
check: {every: "0"}
smtp: {host: 127.0.0.1, port: `+port+`, ca: `+authority+`, username: autoconfig, password_file: smtp.password, from: noreply@example.com}
`)
	shell(t, folder, "autoconfig apply first.yaml")
	service := serve(t, folder)
	here := strings.NewReplacer(
		"127.0.0.1:8081", service.private,
		"pop3s://pop.home.example", "--cacert "+filepath.Base(authority)+" pop3s://"+dovecot.POP3S,
		`"$URL`, `"http://`+service.public+`/s/${URL##*/}`, // TLS is what stands before the service
	)
	var typed, wanted []string
	for _, b := range blocks(t, "../../docs/integrators.md") {
		if b.kind != "console panel" {
			continue
		}
		for _, step := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			line, want, _ := strings.Cut(strings.TrimSuffix(step, "\n")+"\n", "\n")
			typed, wanted = append(typed, here.Replace(line)), append(wanted, want)
		}
	}
	if len(typed) < 10 {
		t.Fatalf("only %q", typed)
	}
	const mark = "=== the next step"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // as testkit.Until
	defer cancel()
	typist := exec.CommandContext(ctx, "sh", "-c", strings.Join(typed, "\necho '"+mark+"'\n"))
	typist.Dir = folder
	out, err := typist.CombinedOutput()
	seen := strings.Split(string(out), mark+"\n")
	for i, line := range typed {
		if i >= len(seen) || !shows(seen[i], wanted[i]) {
			t.Fatalf("%s\nshows\n%s\nwant\n%s\n%v; messages:\n%s", line, strings.Join(seen[min(i, len(seen)):], mark), wanted[i], err,
				shell(t, folder, "autoconfig message list"))
		}
	}
}
