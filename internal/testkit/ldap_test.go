package testkit

import (
	"os/exec"
	"strings"
	"testing"
)

// search asks as the reader, or as nobody if password is empty.
func slapdSearch(t *testing.T, s *Slapd, url, password string) string {
	t.Helper()
	args := []string{"-x", "-LLL", "-H", url, "-b", s.Suffix, "-l", "2", "(uid=anna)", "mail"}
	if password != "" {
		args = append([]string{"-D", s.ReaderDN, "-w", password}, args...)
	}
	ask := exec.Command("ldapsearch", args...)
	ask.Env = append(ask.Environ(), "LDAPTLS_CACERT="+s.CA.WriteFile(t, t.TempDir()))
	out, err := ask.CombinedOutput()
	if err != nil {
		return err.Error() + ": " + string(out)
	}
	return string(out)
}

func TestSlapdAnswersItsReaderAlone(t *testing.T) {
	t.Parallel()
	s := StartSlapd(t, SlapdOptions{LDIF: `dn: uid=anna,dc=example,dc=com
objectClass: inetOrgPerson
uid: anna
cn: Anna
sn: A
mail: anna@example.com
`})
	const found = "mail: anna@example.com"
	// OpenLDAP's own client would ask for this machine's name instead of localhost.
	byNumber := strings.Replace(s.TLSURL, "localhost", "127.0.0.1", 1)
	for _, url := range []string{s.URL, byNumber} {
		if got := slapdSearch(t, s, url, s.ReaderPassword); !strings.Contains(got, found) {
			t.Errorf("the reader at %s: %s", url, got)
		}
		if got := slapdSearch(t, s, url, ""); strings.Contains(got, found) {
			t.Errorf("nobody at %s: %s", url, got)
		}
	}
	s.Kill()
	if got := slapdSearch(t, s, s.URL, s.ReaderPassword); !strings.Contains(got, "Can't contact") {
		t.Errorf("killed: %s", got)
	}
	s.Start(t)
	if got := slapdSearch(t, s, s.URL, s.ReaderPassword); !strings.Contains(got, found) {
		t.Errorf("started again: %s", got)
	}
	s.Freeze(t)
	s.Thaw(t)
	if got := slapdSearch(t, s, s.URL, s.ReaderPassword); !strings.Contains(got, found) {
		t.Errorf("thawed: %s", got)
	}
	s.Stop()
}

func TestTheSchemasOfTheTestsAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{"active directory": ActiveDirectorySchema, "iredmail": IRedMailSchema} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			StartSlapd(t, SlapdOptions{Schema: schema}) // it doesn't start otherwise
		})
	}
}
