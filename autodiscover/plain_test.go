package autodiscover

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What the quick reader takes, the other one reads in the same way.
func FuzzReadPlain(f *testing.F) {
	files, err := filepath.Glob("testdata/requests/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	for _, seed := range plainLike {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > MaxBody {
			return
		}
		got, ok := readPlain([]byte(body))
		if !ok {
			return
		}
		if want, err := readTree([]byte(body)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nread as   %+v\nthe other %+v %v", body, got, want, err)
		}
	})
}

// plainLike are at the edges of what the quick reader takes.
var plainLike = []string{
	RequestFor("a@example.com"), "\uFEFF" + RequestFor("a@example.com"), " \uFEFF" + RequestFor("a@example.com"), "\uFEFF\r\n" + RequestFor("a@example.com"),
	RequestFor("a&b@example.com"), RequestFor("a]]>b@example.com"), RequestFor("ü@example.com"),
	RequestFor("a b\r\n@example.com"), RequestFor("  a@example.com\r\n"), RequestFor("a@b</EMailAddress><EMailAddress>c@d"),
	RequestFor("a@b</emailaddress>"), RequestFor("<b>a@b</b>"), RequestFor("</EMailAddress><EMailAddress>a@b"),
	"<a:Autodiscover><a:Request><a:EMailAddress>a@b</a:EMailAddress></a:Request></a:Autodiscover>",
	"<?xml version='1.0' encoding='latin-1'?>" + request("<EMailAddress>a@b</EMailAddress>"),
	`<?xml version="1.0 encoding='utf-16'"?>` + request("<EMailAddress>a@b</EMailAddress>"),
	`<?xml version="1.0" encoding="utf-8" encoding="latin-1"?>` + request("<EMailAddress>a@b</EMailAddress>"),
	"<?xml?>" + request("<EMailAddress>a@b</EMailAddress>"), "<?xml-stylesheet a='b'?>" + request("<EMailAddress>a@b</EMailAddress>"),
	"\v" + request("<EMailAddress>a@b</EMailAddress>"), request("<EMailAddress>a@b</EMailAddress>") + "<x/>",
	request("<EMailAddress a='1' a='2' xmlns:x=\"y\" >a@b</EMailAddress\n>"), request("<LegacyDN>/o=x</LegacyDN>"), request("<LegacyDN/>"),
	request("x<EMailAddress>a@b</EMailAddress>"), request("</Request><Request><EMailAddress>a@b</EMailAddress>"), request(""),
	"<Autodiscover><Request><EMailAddress>a@b</EMailAddress></request></Autodiscover>",
	"<Autodiscover x='>'><Request y=\"'>\"><EMailAddress>a>b@c</EMailAddress></Request></Autodiscover>",
}

// What real programs send is what the quick reader is for.
func TestRealRequestsArePlain(t *testing.T) {
	t.Parallel()
	unusual := map[string]bool{ // references, other encodings, prefixes
		"outlook-bom.xml": true, "thunderbird.xml": true, "prefixed.xml": true, "latin-1.xml": true, "us-ascii.xml": true, "windows-1252.xml": true,
		"utf-16be.xml": true, "utf-16le-no-mark.xml": true, "utf-16-in-name.xml": true, "idn.xml": true,
	}
	files, err := filepath.Glob("testdata/requests/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, plain := readPlain(body); plain == unusual[filepath.Base(file)] {
			t.Errorf("%s: plain %t", file, plain)
		}
	}
	for _, refused := range plainLike {
		if r, plain := readPlain([]byte(refused)); plain && !strings.Contains(r.Address, "@") && !r.LegacyDN {
			t.Errorf("%q: %+v", refused, r)
		}
	}
}
