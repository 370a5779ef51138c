package mobileconfig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// openssl reads what was signed: the chain leads to the root, the digest is
// SHA-256, the root isn't in it, and what comes out is the profile.
func TestSignaturesAreVerifiedByOpenSSL(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "openssl")
	profile, err := Render(office())
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]testkit.KeyKind{"RSA": testkit.RSA2048, "P-256": testkit.P256} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := testkit.NewCA(t)
			certificate := ca.Intermediate(t).Issue(t, testkit.Leaf{Names: []string{"profiles.example.com"}, Key: kind})
			chain, key := certificate.PEM(t)
			identity, err := ParseIdentity(append(chain, ca.PEM()...), key) // the root, as some operators have it
			if err != nil {
				t.Fatal(err)
			}
			if !identity.NotAfter().Equal(certificate.Leaf.NotAfter) {
				t.Errorf("expires %s", identity.NotAfter())
			}
			signed, err := identity.Sign(profile)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			file, out, root := filepath.Join(dir, "signed.der"), filepath.Join(dir, "out"), ca.WriteFile(t, dir)
			if err := os.WriteFile(file, signed, 0o600); err != nil {
				t.Fatal(err)
			}
			// -purpose any: the certificate is a server's, as most operators have no other.
			openssl(t, "cms", "-verify", "-inform", "DER", "-binary", "-in", file, "-CAfile", root, "-purpose", "any", "-out", out)
			if read, err := os.ReadFile(out); err != nil || !bytes.Equal(read, profile) {
				t.Errorf("openssl took out %v\n%s", err, read)
			}
			printed := openssl(t, "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", file)
			if !strings.Contains(printed, "algorithm: sha256") || strings.Contains(printed, "algorithm: sha1 ") {
				t.Errorf("digests in\n%s", printed)
			}
			if got := strings.Count(openssl(t, "pkcs7", "-inform", "DER", "-in", file, "-print_certs", "-noout"), "subject="); got != 2 {
				t.Errorf("%d certificates, want the leaf and the intermediate", got)
			}
		})
	}
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

func TestIdentitiesInEveryUsualForm(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	for _, kind := range []testkit.KeyKind{testkit.RSA2048, testkit.P256} {
		certificate := ca.Issue(t, testkit.Leaf{Names: []string{"profiles.example.com"}, Key: kind})
		chain, pkcs8 := certificate.PEM(t)
		forms := map[string][]byte{"PKCS #8": pkcs8, "with the certificate before it": append(bytes.Clone(chain), pkcs8...)}
		switch k := certificate.Key.(type) {
		case *rsa.PrivateKey:
			forms["PKCS #1"] = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(k)
			if err != nil {
				t.Fatal(err)
			}
			parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) // as openssl ecparam writes them
			forms["SEC 1"] = append(parameters, block("EC PRIVATE KEY", der)...)
		}
		for name, key := range forms {
			if _, err := ParseIdentity(append(bytes.Clone(pkcs8), chain...), key); err != nil {
				t.Errorf("%v %s: %v", kind, name, err)
			}
		}
	}
}

func TestWrongIdentitiesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "openssl")
	shortRSA := []byte(openssl(t, "genrsa", "1024")) // Go itself refuses to make one
	certificate := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"profiles.example.com"}})
	chain, key := certificate.PEM(t)
	pkcs8 := func(k any, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return block("PRIVATE KEY", der)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	for name, c := range map[string]struct {
		certificates, key []byte
		want              string
	}{
		"no certificate":       {nil, key, "there is no certificate"},
		"a key for it":         {key, key, "there is no certificate"},
		"half a certificate":   {block("CERTIFICATE", []byte("x")), key, "certificate 1 can't be read"},
		"no key":               {chain, nil, "there is no private key"},
		"a certificate for it": {chain, chain, "there is no private key"},
		"half a key":           {chain, block("PRIVATE KEY", []byte("x")), "the private key can't be read"},
		"encrypted":            {chain, block("ENCRYPTED PRIVATE KEY", []byte("x")), "decrypt it with: openssl pkey"},
		"encrypted, old form":  {chain, old, "decrypt it with: openssl pkey"},
		"another key":          {chain, pkcs8(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "the key is not the first certificate's"},
		"P-384":                {chain, pkcs8(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), "curve P-384; use P-256 or RSA"},
		"short RSA":            {chain, shortRSA, "1024 bits; at least 2048"},
		"Ed25519":              {chain, pkcs8(ed, nil), "use RSA or P-256"},
	} {
		if _, err := ParseIdentity(c.certificates, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzParseIdentity(f *testing.F) {
	certificate := testkit.NewCA(f).Issue(f, testkit.Leaf{Names: []string{"profiles.example.com"}})
	chain, key := certificate.PEM(f)
	f.Add(chain, key)
	f.Add([]byte("-----BEGIN CERTIFICATE-----"), []byte("-----BEGIN PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, chain, key []byte) {
		identity, err := ParseIdentity(chain, key)
		if err != nil {
			return
		}
		if _, err := identity.Sign([]byte("x")); err != nil {
			t.Fatalf("an identity that can't sign: %v", err)
		}
	})
}
