package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SlapdOptions are what a directory server of a test is made of.
type SlapdOptions struct {
	// CA issues the certificate; a new one if nil.
	CA *CA
	// Leaf is the certificate; for localhost and 127.0.0.1 if it has no names.
	Leaf Leaf
	// NoTLS leaves the certificate out: StartTLS is refused, and nothing listens at
	// LDAPS.
	NoTLS bool
	// Schema is read after core, cosine, inetorgperson and nis, in the form of
	// slapd.conf.
	Schema string
	// MemberOf fills in memberOf from the groups (groupOfNames): the LDIF is loaded
	// over LDAP then, and the groups must come after their members.
	MemberOf bool
	// Suffix is dc=example,dc=com if empty; its entry and the reader's are made.
	Suffix string
	// LDIF is what the directory holds below the suffix.
	LDIF string
	// Config is added to the database's part of slapd.conf.
	Config string
}

// Slapd is a real directory server (OpenLDAP). Only [Slapd.ReaderDN] and the root
// may read it; nobody may without a password.
type Slapd struct {
	// URL and TLSURL are ldap://127.0.0.1:port (with StartTLS) and
	// ldaps://localhost:port.
	URL, TLSURL string
	CA          *CA
	Suffix      string
	// RootDN may write, ReaderDN may read.
	RootDN, RootPassword     string
	ReaderDN, ReaderPassword string

	dir     string
	args    []string
	process *exec.Cmd
	exited  chan struct{}
}

// Passwords of the tests' directory servers.
const (
	slapdRootPassword   = "root-secret"
	slapdReaderPassword = "reader-secret"
)

// StartSlapd starts Debian's slapd in a folder of its own. It ends with the test.
func StartSlapd(t testing.TB, o SlapdOptions) *Slapd {
	t.Helper()
	Need(t, "slapd", "ldapadd")
	s := &Slapd{
		CA: o.CA, Suffix: o.Suffix, RootPassword: slapdRootPassword, ReaderPassword: slapdReaderPassword,
		dir: t.TempDir(),
	}
	if s.CA == nil && !o.NoTLS {
		s.CA = NewCA(t)
	}
	if s.Suffix == "" {
		s.Suffix = "dc=example,dc=com"
	}
	s.RootDN, s.ReaderDN = "cn=root,"+s.Suffix, "cn=reader,"+s.Suffix
	plain, encrypted := FreeAddress(t), FreeAddress(t)
	_, port, _ := net.SplitHostPort(encrypted)
	s.URL, s.TLSURL = "ldap://"+plain, "ldaps://localhost:"+port
	listen := s.URL + "/"
	if !o.NoTLS {
		listen += " ldaps://" + encrypted + "/"
	}
	conf := writeFile(t, s.dir, "slapd.conf", []byte(s.conf(t, o)))
	s.args = []string{"-d", "0", "-f", conf, "-h", listen}
	first := s.base() + o.LDIF
	if !o.MemberOf {
		s.run(t, "slapadd", "-f", conf, "-l", writeFile(t, s.dir, "first.ldif", []byte(first)))
	}
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	s.Start(t)
	if o.MemberOf {
		s.Add(t, first)
	}
	return s
}

func (s *Slapd) conf(t testing.TB, o SlapdOptions) string {
	t.Helper()
	conf := &strings.Builder{}
	for _, name := range []string{"core", "cosine", "inetorgperson", "nis"} {
		fmt.Fprintf(conf, "include /etc/ldap/schema/%s.schema\n", name)
	}
	if o.Schema != "" {
		fmt.Fprintf(conf, "include %q\n", writeFile(t, s.dir, "test.schema", []byte(o.Schema)))
	}
	fmt.Fprintf(conf, "modulepath /usr/lib/ldap\nmoduleload back_mdb\n")
	if o.MemberOf {
		fmt.Fprintf(conf, "moduleload memberof\n")
	}
	if !o.NoTLS {
		if len(o.Leaf.Names) == 0 {
			o.Leaf.Names = []string{"localhost", "127.0.0.1"}
		}
		certificate, key := s.CA.Issue(t, o.Leaf).WriteFiles(t, s.dir)
		fmt.Fprintf(conf, "TLSCertificateFile %q\nTLSCertificateKeyFile %q\n", certificate, key)
	}
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conf, `pidfile %q
sizelimit unlimited
database mdb
maxsize 268435456
dbnosync
suffix %q
directory %q
rootdn %q
rootpw %s
index objectClass eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=%q read by * none
%s
`, filepath.Join(s.dir, "slapd.pid"), s.Suffix, data, s.RootDN, s.RootPassword, s.ReaderDN, o.Config)
	if o.MemberOf {
		fmt.Fprintf(conf, "overlay memberof\n")
	}
	return conf.String()
}

// base is the suffix' entry and the reader's.
func (s *Slapd) base() string {
	kind, name, _ := strings.Cut(strings.Split(s.Suffix, ",")[0], "=")
	class := "organization"
	if kind == "dc" {
		class = "dcObject\nobjectClass: organization\no: " + name
	}
	return fmt.Sprintf(`dn: %s
objectClass: %s
%s: %s

dn: %s
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: %s

`, s.Suffix, class, kind, name, s.ReaderDN, s.ReaderPassword)
}

func (s *Slapd) run(t testing.TB, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, located(program), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Add adds the entries of an LDIF while the server runs.
func (s *Slapd) Add(t testing.TB, ldif string) {
	t.Helper()
	s.run(t, "ldapadd", "-x", "-H", s.URL, "-D", s.RootDN, "-w", s.RootPassword, "-f",
		writeFile(t, s.dir, "add.ldif", []byte(ldif)))
}

// Start starts it again after [Slapd.Stop] or [Slapd.Kill], on the same ports and
// with the same data, and waits until it answers.
func (s *Slapd) Start(t testing.TB) {
	t.Helper()
	output, err := os.OpenFile(filepath.Join(s.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	process := exec.Command(located("slapd"), s.args...)
	process.Stdout, process.Stderr = output, output
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = process.Wait() // how it ends is the test's doing
	}()
	s.process, s.exited = process, exited
	poll(t, "slapd doesn't answer at "+s.URL, func(ctx context.Context) bool {
		select {
		case <-exited:
			logTail(t, output.Name(), "slapd")
			t.Fatal("slapd has ended")
		default:
		}
		return exec.CommandContext(ctx, "ldapwhoami", "-x", "-H", s.URL, "-D", s.RootDN, "-w", s.RootPassword).Run() == nil
	})
}

// Stop ends it in order.
func (s *Slapd) Stop() { s.end(syscall.SIGTERM) }

// Kill ends it at once.
func (s *Slapd) Kill() { s.end(syscall.SIGKILL) }

func (s *Slapd) end(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal) // it may be gone already
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second): // a frozen one doesn't hear
		_ = s.process.Process.Kill()
		<-s.exited
	}
	s.process = nil
}

// Freeze stops its process where it is: connections are accepted by the system,
// and nothing is answered.
func (s *Slapd) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP, "T") }

// Thaw lets it go on.
func (s *Slapd) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT, "SRDI") }

func (s *Slapd) signal(t testing.TB, signal syscall.Signal, states string) {
	t.Helper()
	if s.process == nil {
		t.Fatal("slapd isn't running")
	}
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid)
	poll(t, "slapd doesn't take the signal", func(context.Context) bool {
		stat, err := os.ReadFile(file)
		if err != nil {
			return errors.Is(err, os.ErrNotExist) && t.Failed()
		}
		_, rest, found := strings.Cut(string(stat), ") ")
		return found && strings.Contains(states, rest[:1])
	})
}
