package mobileconfig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"autoconfig/internal/testkit"
)

func TestIsSound(t *testing.T) {
	t.Parallel()
	nested := func(depth int) (ber []byte) {
		for range depth {
			ber = append([]byte{0x30, 0x83, 0, byte(len(ber) >> 8), byte(len(ber))}, ber...)
		}
		return ber
	}
	for name, c := range map[string]struct {
		ber  []byte
		want bool
	}{
		"nothing":                       {nil, false},
		"an integer":                    {[]byte{2, 1, 7}, true},
		"two of them":                   {[]byte{0x30, 6, 2, 1, 7, 2, 1, 8}, true},
		"an integer that is cut":        {[]byte{2, 2, 7}, false},
		"one that ends after its list":  {[]byte{0x30, 3, 2, 2, 7, 8}, false},
		"a list without an end":         {[]byte{0x30, 0x80, 2, 1, 7}, false},
		"a list to two zeros":           {[]byte{0x30, 0x80, 2, 1, 7, 0, 0}, true},
		"two zeros after their list":    {[]byte{0x30, 5, 0x30, 0x80, 2, 1, 7, 0, 0}, false},
		"an integer without an end":     {[]byte{2, 0x80, 7, 0, 0}, false},
		"a length that isn't one":       {[]byte{2, 0x85, 0, 0, 0, 0, 1, 7}, false},
		"a long tag":                    {[]byte{0x1f, 0x81, 7, 1, 9}, true},
		"a long tag that is cut":        {[]byte{0x1f, 0x81}, false},
		"nested":                        {nested(maxNesting), true},
		"nested too deeply":             {nested(maxNesting + 2), false},
		"very many":                     {append([]byte{0x30, 0x82, 0x75, 0x30}, bytes.Repeat([]byte{2, 1, 7}, 10_000)...), false},
		"text, which has letters as it": {[]byte("<plist></plist>"), false},
	} {
		if got := isSound(c.ber); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Some programs sign in one pass, with lengths that they don't know yet.
func TestASignatureOfIndefiniteLengthIsRead(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "openssl")
	folder := t.TempDir()
	certificate, key := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"profiles.example.com"}}).WriteFiles(t, folder)
	files, err := filepath.Glob("testdata/apple/*.mobileconfig")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	signed := filepath.Join(folder, "signed")
	if out, err := exec.Command("openssl", "cms", "-sign", "-nodetach", "-stream", "-binary", "-outform", "DER", "-in", files[0], "-signer", certificate, "-inkey", key, "-out", signed).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(signed)
	if err != nil || data[1] != 0x80 {
		t.Fatalf("that isn't of indefinite length: %x %v", data[:4], err)
	}
	if p, err := Parse(data); err != nil || !p.Signed {
		t.Errorf("%+v %v", p, err)
	}
}
