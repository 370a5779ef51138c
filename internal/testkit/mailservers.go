package testkit

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// nobody owns the mailboxes.
const nobody = 65534

// Dovecot is a real IMAP and POP3 server on loopback.
type Dovecot struct {
	// IMAPS, IMAP, POP3S and POP3 are host:port, the second and the last with
	// STARTTLS.
	IMAPS, IMAP, POP3S, POP3 string
	// Mail is the folder with a Maildir for each user.
	Mail string
	auth string // for Postfix
}

// StartDovecot serves with a certificate. extra is put at the end of its
// configuration. It ends with the test.
//
// Dovecot takes a connection from its own address for a safe one: a client that
// wants to see what strangers see must come from another address of the loopback
// network.
func StartDovecot(t testing.TB, certificate *Certificate, extra string) *Dovecot {
	t.Helper()
	Need(t, "root", "dovecot")
	dir := openDir(t)
	certFile, keyFile := certificate.WriteFiles(t, dir)
	d := &Dovecot{
		IMAPS: FreeAddress(t), IMAP: FreeAddress(t), POP3S: FreeAddress(t), POP3: FreeAddress(t), auth: FreeAddress(t),
		Mail: filepath.Join(dir, "mail"),
	}
	if err := os.Mkdir(d.Mail, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(d.Mail, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[2]s
ssl_key = <%[3]s
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:%[1]s/mail/%%u
passdb {
  driver = static
  args = password=never-sent
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=%[1]s/mail/%%u
}
service imap-login {
  inet_listener imap {
    port = %[4]s
  }
  inet_listener imaps {
    port = %[5]s
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[6]s
  }
  inet_listener pop3s {
    port = %[7]s
    ssl = yes
  }
}
service auth {
  inet_listener {
    port = %[8]s
  }
}
%[9]s
`, dir, certFile, keyFile, port(d.IMAP), port(d.IMAPS), port(d.POP3), port(d.POP3S), port(d.auth), extra)
	startProcess(t, dir, "dovecot", "-F", "-c", writeFile(t, dir, "dovecot.conf", []byte(conf)))
	for _, addr := range []string{d.IMAPS, d.IMAP, d.POP3S, d.POP3, d.auth} {
		waitForTCP(t, addr)
	}
	return d
}

// Postfix is a real submission server on loopback.
type Postfix struct {
	// Submissions is host:port with implicit TLS, Submission with STARTTLS.
	Submissions, Submission string
	pidFile                 string // of its master
}

// StartPostfix serves submission with a certificate; who logs in is asked of
// Dovecot, into whose mailboxes it delivers what is for a domain in virtual_mailbox_domains.
// extra are lines of main.cf. It ends with the test.
func StartPostfix(t testing.TB, certificate *Certificate, dovecot *Dovecot, extra string) *Postfix {
	t.Helper()
	Need(t, "root", "postfix")
	dir := openDir(t)
	certFile, keyFile := certificate.WriteFiles(t, dir)
	p := &Postfix{Submissions: FreeAddress(t), Submission: FreeAddress(t)}
	p.pidFile = filepath.Join(dir, "queue/pid/master.pid")
	for _, folder := range []string{"queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", owner.Uid, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	main := fmt.Sprintf(`
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = /dev/stdout
myhostname = smtp.example.com
mydestination =
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:%[4]s
virtual_mailbox_base = %[5]s
virtual_uid_maps = static:%[6]d
virtual_gid_maps = static:%[6]d
%[7]s
`, dir, certFile, keyFile, dovecot.auth, dovecot.Mail, nobody, extra)
	var master strings.Builder
	fmt.Fprintf(&master, "%s inet n - n - - smtpd\n%s inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n", p.Submission,
		p.Submissions)
	for _, service := range []string{
		"anvil unix - - n - 1 anvil", "cleanup unix n - n - 0 cleanup",
		"rewrite unix - - n - - trivial-rewrite", "proxymap unix - - n - - proxymap", "tlsmgr unix - - n 1000? 1 tlsmgr",
		"postlog unix-dgram n - n - 1 postlogd", "error unix - - n - - error", "retry unix - - n - - error",
		"qmgr unix n - n 300 1 qmgr", "virtual unix - n n - - virtual", "bounce unix - - n - 0 bounce",
		"defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "pickup unix n - n 60 1 pickup",
	} {
		master.WriteString(service + "\n")
	}
	writeFile(t, dir, "main.cf", []byte(main))
	writeFile(t, dir, "master.cf", []byte(master.String()))
	startProcess(t, dir, "postfix", "-c", dir, "start-fg")
	// Its master makes a session of its own, so that it isn't killed with its starter's group.
	t.Cleanup(func() { endGroup(p.pidFile) })
	waitForTCP(t, p.Submission)
	waitForTCP(t, p.Submissions)
	return p
}

// endGroup kills the group of the process that a file names, if it has got so far.
func endGroup(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// openDir is a folder that daemons can enter after they gave up their rights.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testkit")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func waitForTCP(t testing.TB, addr string) {
	t.Helper()
	poll(t, "nothing listens at "+addr, func(ctx context.Context) bool {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}
