package operator_test

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/internal/testkit"
)

// pairOf writes a certificate with its chain, and its key.
func pairOf(t *testing.T, c *testkit.Certificate) (certificate, key string) {
	t.Helper()
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	one, two := c.PEM(t)
	for file, data := range map[string][]byte{certificate: one, key: two} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// Each thing that can be wrong with a certificate that still can be used is told,
// and the nearest thing that is right isn't.
func TestWhatIsWrongWithACertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := 24 * time.Hour
	ca := testkit.NewCA(t)
	names := map[string]string{"public_url": "setup.example.com"}
	good := testkit.Leaf{Names: []string{"setup.example.com", "autoconfig.example.org"}, NotBefore: now.Add(-day), NotAfter: now.Add(60 * day)}
	with := func(change func(*testkit.Leaf)) testkit.Leaf { l := good; change(&l); return l }
	for name, c := range map[string]struct {
		leaf   testkit.Leaf
		others []string
		want   []operator.ProblemCode
	}{
		"good":          {good, []string{"autoconfig.example.net", "autoconfig.example.org"}, nil},
		"expired":       {with(func(l *testkit.Leaf) { l.NotAfter = now.Add(-time.Minute) }), nil, []operator.ProblemCode{operator.CertificateExpired}},
		"not yet valid": {with(func(l *testkit.Leaf) { l.NotBefore = now.Add(day) }), nil, []operator.ProblemCode{operator.CertificateNotYet}},
		"expires soon":  {with(func(l *testkit.Leaf) { l.NotBefore = now.Add(-60 * day); l.NotAfter = now.Add(13 * day) }), nil, []operator.ProblemCode{operator.CertificateExpires}},
		"short-lived":   {with(func(l *testkit.Leaf) { l.NotAfter = now.Add(5 * day) }), nil, nil},
		"another name":  {with(func(l *testkit.Leaf) { l.Names = []string{"www.example.com"} }), nil, []operator.ProblemCode{operator.CertificateNames}},
		"no special":    {good, []string{"autoconfig.example.net", "autodiscover.example.net"}, []operator.ProblemCode{operator.CertificateNames}},
		"for clients":   {with(func(l *testkit.Leaf) { l.Usage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil, []operator.ProblemCode{operator.CertificatePurpose}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, key := pairOf(t, ca.Issue(t, c.leaf))
			files, err := operator.WatchCertificate(slog.New(slog.DiscardHandler), time.Now, certificate, key)
			if err != nil {
				t.Fatal(err)
			}
			var seen operator.Seen
			files.Judge(&seen, now, names, c.others)
			// Nobody trusts this authority: that is always told.
			if got, want := codesOf(seen), append(c.want, operator.CertificateChain); !sameCodes(got, want) {
				t.Errorf("%v, want %v: %v", got, want, seen.Problems)
			}
			if at := seen.NotAfter["tls"]; at.Unix() != c.leaf.NotAfter.Unix() {
				t.Errorf("it expires at %s, want %s", at, c.leaf.NotAfter)
			}
			for _, p := range seen.Problems {
				if !strings.Contains(p.Where, certificate) || p.Remedy == "" {
					t.Errorf("where, and what to do? %+v", p)
				}
			}
		})
	}
}

// For devices, profiles of an identity that has expired are not verified.
func TestWhatIsWrongWithASigningCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	certificate, key := pairOf(t, testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"a.example"}, NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(-time.Hour)}))
	files, err := operator.WatchIdentity(slog.New(slog.DiscardHandler), time.Now, certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	var seen operator.Seen
	files.Judge(&seen, now)
	if got := codesOf(seen); !sameCodes(got, []operator.ProblemCode{operator.CertificateExpired, operator.CertificateChain}) || !strings.Contains(seen.Problems[0].What, "Not Verified") {
		t.Errorf("%v", seen.Problems)
	}
}

func codesOf(seen operator.Seen) (codes []operator.ProblemCode) {
	for _, p := range seen.Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

func sameCodes(got, want []operator.ProblemCode) bool {
	count := map[operator.ProblemCode]int{}
	for _, c := range got {
		count[c]++
	}
	for _, c := range want {
		count[c]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// An error about a pair names the file that is to blame, or both.
func TestAPairThatCannotBeUsedNamesTheRightFile(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	certificate, key := pairOf(t, ca.Issue(t, testkit.Leaf{Names: []string{"a.example"}}))
	_, other := pairOf(t, ca.Issue(t, testkit.Leaf{Names: []string{"b.example"}}))
	encrypted, empty := filepath.Join(t.TempDir(), "encrypted.pem"), filepath.Join(t.TempDir(), "empty.pem")
	for file, data := range map[string][]byte{encrypted: pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), empty: nil} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watch := map[string]func(certificate, key string) error{
		"tls": func(certificate, key string) error {
			_, err := operator.WatchCertificate(slog.Default(), time.Now, certificate, key)
			return err
		},
		"signing": func(certificate, key string) error {
			_, err := operator.WatchIdentity(slog.Default(), time.Now, certificate, key)
			return err
		},
	}
	for name, c := range map[string]struct {
		certificate, key string
		blamed, spared   []string
		want             string
	}{
		"encrypted":      {certificate, encrypted, []string{encrypted}, []string{certificate}, "encrypted; decrypt it with: openssl pkey"},
		"another's":      {certificate, other, []string{certificate, other}, nil, "don't belong together"},
		"no key":         {certificate, empty, []string{empty}, []string{certificate}, "there is no private key"},
		"no certificate": {empty, key, []string{empty}, []string{key}, "there is no certificate"},
		"exchanged":      {key, certificate, nil, nil, "there is no"},
	} {
		for use, try := range watch {
			err := try(c.certificate, c.key)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v", use, name, err)
				continue
			}
			for _, file := range c.blamed {
				if !strings.Contains(err.Error(), file) {
					t.Errorf("%s, %s: %s isn't blamed: %v", use, name, file, err)
				}
			}
			for _, file := range c.spared {
				if strings.Contains(err.Error(), file) {
					t.Errorf("%s, %s: %s is blamed: %v", use, name, file, err)
				}
			}
		}
	}
}

// Changed files that can't be used are a problem as long as they are like that, and
// the log is told once.
func TestChangedFilesThatCannotBeUsedAreToldOnce(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	now := time.Now()
	certificate, key := pairOf(t, testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"a.example"}}))
	files, err := operator.WatchCertificate(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }, certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	unusable := func() bool {
		now = now.Add(2 * time.Second)
		var seen operator.Seen
		files.Judge(&seen, now, nil, nil)
		return sameCodes(codesOf(seen), []operator.ProblemCode{operator.FilesUnusable, operator.CertificateChain})
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if !unusable() {
			t.Fatal("a key that is gone is no problem")
		}
	}
	if n := strings.Count(log.String(), "can't be used"); n != 1 {
		t.Errorf("the log is told %d times", n)
	}
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if unusable() {
		t.Error("it isn't mended")
	}
}
