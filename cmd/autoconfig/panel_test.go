package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

// A panel makes a mailbox and sends its welcome; the message goes by Postfix to the
// person's other mailbox, and the link in it sets up the account.
func TestAPanelWelcomesAMailbox(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	certificate := ca.Issue(t, testkit.Leaf{Names: []string{"127.0.0.1"}})
	dovecot := testkit.StartDovecot(t, certificate, "")
	postfix := testkit.StartPostfix(t, certificate, dovecot, `
virtual_mailbox_domains = home.test
virtual_mailbox_maps = inline:{ { eva@home.test = eva@home.test/ } }
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
`)
	folder := t.TempDir()
	_, port, err := net.SplitHostPort(postfix.Submissions)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "smtp.password"), []byte("never-sent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, folder, "first.yaml", doorsSite)
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
check: {every: "0"}
smtp: {host: 127.0.0.1, port: `+port+`, ca: `+ca.WriteFile(t, folder)+`, username: autoconfig, password_file: smtp.password, from: noreply@example.com}
`)
	shell(t, folder, "autoconfig apply first.yaml")
	token := strings.TrimSpace(shell(t, folder, "autoconfig token create panel --days 1 --domains '*' --scopes "+strings.Join(staff.Scopes, ",")))
	service := serve(t, folder)
	ask := func(method, path string, body any) (got map[string]any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+service.private+"/api/v1"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode >= 400 {
			t.Fatalf("%s %s: %s %v %v", method, path, answer.Status, got, err)
		}
		return got
	}
	ask("PUT", "/accounts/new%40example.com", map[string]any{"name": "New"})
	sent := ask("POST", "/messages", map[string]any{"kind": "welcome", "address": "new@example.com", "to": "eva@home.test"})
	var mails []string
	testkit.Until(t, func() string { return "the message: " + shell(t, folder, "autoconfig message list") }, func() bool {
		mails, err = filepath.Glob(filepath.Join(dovecot.Mail, "eva@home.test/new/*"))
		return err == nil && len(mails) > 0
	})
	raw, err := os.ReadFile(mails[0])
	if err != nil {
		t.Fatal(err)
	}
	_, plain, _ := strings.Cut(string(raw), "quoted-printable")
	text, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(plain)))
	link := setupLink.FindString(string(text))
	if link == "" {
		t.Fatalf("no link in:\n%s", raw)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, at, _ := strings.Cut(link, "/s/")
	person := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := "http://" + service.public + "/s/" + at
	if r, err := person.Get(page); err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the link's page: %v %v", r, err)
	}
	if r, err := person.PostForm(page, url.Values{"device": {"iphone"}}); err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusSeeOther {
		t.Fatalf("the link's button: %v %v", r, err)
	}
	if got := ask("GET", "/links/"+sent["link"].(string), nil); got["used"] != 1.0 || got["address"] != "new@example.com" {
		t.Errorf("the link: %v", got)
	}
	testkit.Until(t, func() string { return "the message isn't sent" }, func() bool {
		return ask("GET", "/messages/"+sent["id"].(string), nil)["state"] == "sent"
	})
}
