package post_test

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/post"
	"autoconfig/internal/testkit"
)

// Postfix takes messages by both kinds of TLS from who signs in, and delivers them to
// Dovecot, where they are read by POP3; whom it refuses, it refuses here too.
func TestMessagesGoByRealServers(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	dovecot, postfix := realServers(t, ca)
	d := newDesk(t)
	server := &d.sender.Server
	server.Host, server.Roots, server.Security = "127.0.0.1", ca.Pool(), post.TLS
	server.Port = portOf(t, postfix.Submissions)
	server.Username, server.Password = "autoconfig@example.com", func() (string, error) { return "never-sent", nil }
	taken := d.put(t, letterTo("person@home.test"))
	gone := d.put(t, letterTo("nobody@home.test"))
	slow := d.put(t, letterTo("slow@home.test"))
	d.once(t)
	if m := d.is(t, taken.ID); m.State != post.Sent || m.Tries != 1 {
		t.Errorf("%+v", m)
	}
	if m := d.is(t, gone.ID); m.State != post.Refused || !strings.HasPrefix(m.Reason, "550 5.1.1") {
		t.Errorf("%+v", m)
	}
	if m := d.is(t, slow.ID); m.State != post.Queued || !strings.HasPrefix(m.Reason, "450 4.7.1") {
		t.Errorf("%+v", m)
	}
	d.now = d.now.Add(2 * time.Hour)
	server.Security, server.Port = post.StartTLS, portOf(t, postfix.Submission)
	second := d.put(t, letterTo("person@home.test"))
	d.once(t)
	if m := d.is(t, second.ID); m.State != post.Sent {
		t.Errorf("by STARTTLS: %+v", m)
	}
	var all []string
	testkit.Until(t, func() string { return strconv.Itoa(len(all)) + " messages in the mailbox" }, func() bool {
		all = mailbox(t, dovecot, ca, "person@home.test")
		return len(all) >= 2
	})
	if len(all) != 2 {
		t.Errorf("%d messages in the mailbox", len(all))
	}
	reads(t, all[0], letterTo("person@home.test"))
}

// A server whose certificate nobody vouches for, and a wrong password, get no message.
func TestServersThatAreNotTrusted(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	_, postfix := realServers(t, ca)
	for name, c := range map[string]struct {
		change func(*post.Server)
		want   string
	}{
		"another authority": {func(s *post.Server) { s.Roots = testkit.NewCA(t).Pool() }, "certificate"},
		"another name":      {func(s *post.Server) { s.Host = "localhost" }, "certificate"},
		"wrong password":    {func(s *post.Server) { s.Password = func() (string, error) { return "wrong", nil } }, "535"},
		"STARTTLS, another authority": {func(s *post.Server) {
			s.Roots, s.Security, s.Port = testkit.NewCA(t).Pool(), post.StartTLS, portOf(t, postfix.Submission)
		}, "certificate"},
		"no TLS where there must be": {func(s *post.Server) { s.Port = portOf(t, postfix.Submission) }, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			s := &d.sender.Server
			s.Roots, s.Security, s.Port = ca.Pool(), post.TLS, portOf(t, postfix.Submissions)
			s.Username, s.Password = "autoconfig@example.com", func() (string, error) { return "never-sent", nil }
			c.change(s)
			m := d.put(t, letterTo("person@home.test"))
			d.once(t)
			if got := d.is(t, m.ID); got.State != post.Queued || !strings.Contains(got.Reason, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func realServers(t *testing.T, ca *testkit.CA) (*testkit.Dovecot, *testkit.Postfix) {
	t.Helper()
	certificate := ca.Issue(t, testkit.Leaf{Names: []string{"127.0.0.1"}})
	dovecot := testkit.StartDovecot(t, certificate, "")
	return dovecot, testkit.StartPostfix(t, certificate, dovecot, `
virtual_mailbox_domains = home.test
virtual_mailbox_maps = inline:{ { person@home.test = person@home.test/ }, { slow@home.test = slow@home.test/ } }
smtpd_recipient_restrictions = check_recipient_access inline:{ { slow@home.test = 450 4.7.1 come back later } }, permit_sasl_authenticated, reject
`)
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mailbox are the messages of a mailbox, by POP3 (RFC 1939).
func mailbox(t *testing.T, d *testkit.Dovecot, ca *testkit.CA, user string) (all []string) {
	t.Helper()
	c, err := tls.Dial("tcp", d.POP3S, &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	pop := textproto.NewConn(c)
	defer func() { _ = pop.Close() }()
	ask := func(line string) string {
		if line != "" {
			if err := pop.PrintfLine("%s", line); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := pop.ReadLine()
		if err != nil || !strings.HasPrefix(answer, "+OK") {
			t.Fatalf("%s: %q %v", line, answer, err)
		}
		return answer
	}
	ask("")
	ask("USER " + user)
	ask("PASS never-sent")
	n, err := strconv.Atoi(strings.Fields(ask("STAT"))[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		ask("RETR " + strconv.Itoa(i+1))
		lines, err := pop.ReadDotLines()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join(lines, "\r\n"))
	}
	return all
}

// reads reads a message with readers that aren't the writer's: the standard library's.
func reads(t *testing.T, raw string, l post.Letter) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != l.Says.Provider.Name || from[0].Address != "noreply@example.com" {
		t.Errorf("From: %v %v", from, err)
	}
	if reply, err := m.Header.AddressList("Reply-To"); err != nil || reply[0].Address != "help@example.com" {
		t.Errorf("Reply-To: %v %v", reply, err)
	}
	if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != l.To.String() {
		t.Errorf("To: %v %v", to, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "office@example.com einrichten" {
		t.Errorf("Subject: %q %v", subject, err)
	}
	if date, err := m.Header.Date(); err != nil || date.Format("15:04 -0700") != "13:00 +0100" {
		t.Errorf("Date: %v %v", date, err)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "Content-Language": "de", "Mime-Version": "1.0"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if id := m.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("Message-ID: %q", id)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for _, want := range []string{"text/plain", "text/html"} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		kind, parameters, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || kind != want || !strings.EqualFold(parameters["charset"], "utf-8") {
			t.Errorf("%s %v %v", kind, parameters, err)
		}
		body := io.Reader(p)
		switch p.Header.Get("Content-Transfer-Encoding") {
		case "quoted-printable":
			body = quotedprintable.NewReader(p)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, p)
		}
		text, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(text), l.Says.URL) || !strings.Contains(string(text), "Freitag, 27. November 2026, 13:00 Uhr") {
			t.Errorf("%s: %v\n%s", want, err, text)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("another part: %v", err)
	}
}
