package autodiscover

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func request(inner string) string {
	return `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>` + inner + `</Request></Autodiscover>`
}

// What clients send (testdata/requests) and what is read of it (want.txt).
func TestRequestsOfClients(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/requests/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var got strings.Builder
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseRequest(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		line := fmt.Sprintf("%-22s %q", filepath.Base(file), r.Address)
		if r.WantsOutlook() {
			line += " outlook"
		}
		if r.LegacyDN {
			line += " legacydn"
		}
		got.WriteString(line + "\n")
	}
	want, err := os.ReadFile("testdata/requests/want.txt")
	if err != nil || got.String() != string(want) {
		t.Errorf("%v, got\n%s", err, got.String())
	}
}

func TestAddressesAreReadAsClientsWriteThem(t *testing.T) {
	t.Parallel()
	for inner, want := range map[string]string{
		"<EMailAddress>a&b@example.com</EMailAddress>":                                  "a&b@example.com", // Thunderbird
		"<EMailAddress>a&amp;b@example.com</EMailAddress>":                              "a&b@example.com",
		"<EMailAddress>&@example.com</EMailAddress>":                                    "&@example.com",
		"<EMailAddress>a&b;c@example.com</EMailAddress>":                                "a&b;c@example.com",
		"<EMailAddress>a&#x26;b@example.com</EMailAddress>":                             "a&b@example.com",
		"<EMailAddress>a'b@example.com</EMailAddress>":                                  "a'b@example.com",
		"<EMailAddress>\n\ta@example.com \r\n</EMailAddress>":                           "a@example.com",
		"<EMailAddress><![CDATA[a&b@example.com]]></EMailAddress>":                      "a&b@example.com",
		"<EMailAddress>a<!-- no -->@example.com</EMailAddress>":                         "a@example.com",
		"<emailaddress>a@example.com</emailaddress>":                                    "a@example.com",
		"<Other>x&y</Other><EMailAddress>a@example.com</EMailAddress>":                  "a@example.com",
		"<Other><EMailAddress>x</EMailAddress></Other><EMailAddress>a@b</EMailAddress>": "a@b",
	} {
		if r, err := ParseRequest([]byte(request(inner))); err != nil || r.Address != want {
			t.Errorf("%s: %q %v, want %q", inner, r.Address, err, want)
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	address := "<EMailAddress>a@example.com</EMailAddress>"
	for name, body := range map[string]string{
		"empty":                   "",
		"blank":                   " \n",
		"text":                    "emailaddress=a@example.com",
		"JSON":                    `{"EMailAddress": "a@example.com"}`,
		"NUL":                     request("<EMailAddress>a\x00@example.com</EMailAddress>"),
		"not UTF-8":               request("<EMailAddress>a\xff@example.com</EMailAddress>"),
		"other root":              strings.ReplaceAll(request(address), "Autodiscover", "Envelope"),
		"no Request":              "<Autodiscover>" + address + "</Autodiscover>",
		"no address":              request(""),
		"blank address":           request("<EMailAddress> </EMailAddress>"),
		"two addresses":           request(address + address),
		"two Requests":            strings.Replace(request(address), "</Autodiscover>", "<Request>"+address+"</Request></Autodiscover>", 1),
		"two roots":               request(address) + request(address),
		"cut short":               request(address)[:150],
		"DOCTYPE":                 `<!DOCTYPE Autodiscover SYSTEM "http://192.0.2.1/x.dtd">` + request(address),
		"entity":                  `<!DOCTYPE a [<!ENTITY b "c">]>` + request("<EMailAddress>&b;@example.com</EMailAddress>"),
		"external entity":         `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + request("<EMailAddress>&b;@example.com</EMailAddress>"),
		"doctype after the root":  request(address) + "<!DOCTYPE a>",
		"doctype in a comment":    request("<!-- <!DOCTYPE a> -->" + address), // refused as well: no client sends it
		"declaration, lower case": "<!doctype a>" + request(address),
		"UTF-16":                  "\xff\xfe<\x00a\x00",
		"half a character":        "\xff\xfe<\x00a",
		"lone surrogate":          "\xff\xfe<\x00\x00\xd8",
		"unknown encoding":        `<?xml version="1.0" encoding="x-none"?>` + request(address),
		"UTF-7":                   `<?xml version="1.0" encoding="utf-7"?>` + request(address),
		"broken declaration":      `<?xml version="1.0" encoding=iso-8859-1?>` + request(address),
		"DOCTYPE in UTF-16":       "\xfe\xff\x00<\x00!\x00D\x00O\x00C\x00T\x00Y\x00P\x00E\x00 \x00a\x00>\x00<\x00a\x00/\x00>",
	} {
		if r, err := ParseRequest([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	if _, err := ParseRequest([]byte(request("<!--" + strings.Repeat("x", MaxBody) + "-->" + address))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}

// What would blow up another reader costs this one little: a declaration nothing
// at all, other shapes a bounded multiple of their size. Not parallel: it counts
// what is allocated meanwhile.
func TestBombsCostLittle(t *testing.T) {
	lols := `<!DOCTYPE lolz [<!ENTITY lol0 "lol">`
	for i := 1; i < 10; i++ {
		lols += fmt.Sprintf(`<!ENTITY lol%d "%s">`, i, strings.Repeat(fmt.Sprintf("&lol%d;", i-1), 10))
	}
	for name, bomb := range map[string]struct {
		body  string
		limit uint64
	}{
		"entities":                 {lols + "]>" + request("<EMailAddress>&lol9;</EMailAddress>"), 1 << 10},
		"declaration":              {"<!DOCTYPE a " + strings.Repeat("x", MaxBody-20) + ">", 1 << 10},
		"depth":                    {strings.Repeat("<a>", MaxBody/3), 200 * MaxBody},
		"declaration's attributes": {"<?xml" + strings.Repeat(" a=''", (MaxBody-100)/5) + ">", 64 * MaxBody},
		"encodings":                {`<?xml version="1.0" encoding="gb18030"?>` + strings.Repeat("\x810\x810", MaxBody/5), 64 * MaxBody},
		"attributes":               {"<Autodiscover" + strings.Repeat(" a=''", (MaxBody-100)/5) + "/>", 200 * MaxBody},
		"comments":                 {strings.Repeat("<!---->", MaxBody/7), 200 * MaxBody},
	} {
		body := []byte(bomb.body)
		used := uint64(math.MaxUint64)
		var err error
		for range 5 { // the runtime allocates too, now and then
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = ParseRequest(body)
			runtime.ReadMemStats(&after)
			used = min(used, after.TotalAlloc-before.TotalAlloc)
		}
		if !errors.Is(err, ErrMalformed) || used > bomb.limit {
			t.Errorf("%s: %v, %d bytes allocated for a request of %d", name, err, used, len(body))
		}
	}
}

// strictRequest is an independent reader: encoding/xml in its strict mode, after
// every bare & inside EMailAddress was escaped. It reports whether it could read.
func strictRequest(body string) (Request, bool) {
	d := xml.NewDecoder(strings.NewReader(escapeInAddress(strings.TrimPrefix(body, "\uFEFF"))))
	var r Request
	var path []string
	roots, requests := 0, 0
	text := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r, roots == 1 && requests == 1 && (r.Address != "" || r.LegacyDN)
		}
		if err != nil {
			return r, false
		}
		switch e := token.(type) {
		case xml.Directive:
			return r, false
		case xml.StartElement:
			if path = append(path, e.Name.Local); len(path) == 1 {
				roots++
			} else if len(path) == 2 && strings.EqualFold(e.Name.Local, "Request") {
				requests++
			}
			text = ""
		case xml.CharData:
			text += string(e)
		case xml.EndElement:
			if slices.Equal(path, []string{"Autodiscover", "Request", e.Name.Local}) {
				switch value := strings.Trim(text, " \t\r\n"); e.Name.Local {
				case "EMailAddress":
					if r.Address != "" {
						return r, false
					}
					r.Address = value
				case "AcceptableResponseSchema":
					r.Schemas = append(r.Schemas, value)
				case "LegacyDN":
					r.LegacyDN = true
				}
			}
			path = path[:len(path)-1]
		}
	}
}

func escapeInAddress(body string) string {
	const begin, end = "<EMailAddress>", "</EMailAddress>"
	before, rest, found := strings.Cut(body, begin)
	if !found {
		return body
	}
	inside, after, found := strings.Cut(rest, end)
	if !found || strings.Contains(inside, "<") {
		return body
	}
	parts := strings.Split(inside, "&")
	for i, part := range parts[1:] {
		if name, _, ok := strings.Cut(part, ";"); ok && (slices.Contains([]string{"amp", "lt", "gt", "quot", "apos"}, name) || strings.HasPrefix(name, "#")) {
			parts[i+1] = "&" + part
		} else {
			parts[i+1] = "&amp;" + part
		}
	}
	return before + begin + strings.Join(parts, "") + end + escapeInAddress(after)
}

// Whatever a strict reader understands is read the same here; what is read has
// one root, no declaration, and something to look up.
func FuzzParseRequest(f *testing.F) {
	files, err := filepath.Glob("testdata/requests/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	f.Add(request("<EMailAddress>a@b</EMailAddress><LegacyDN/>"))
	f.Fuzz(func(t *testing.T, body string) {
		got, err := ParseRequest([]byte(body))
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
			t.Fatalf("an error of another kind: %v", err)
		}
		if err == nil && got.Address == "" && !got.LegacyDN {
			t.Fatalf("nothing to look up: %+v", got)
		}
		want, readable := strictRequest(body)
		// Refused here whatever else it is: comments and CDATA that hold a declaration.
		text := strings.TrimSpace(strings.TrimPrefix(body, "\uFEFF"))
		if !readable || hasDeclaration([]byte(body)) || len(body) > MaxBody || begins.MatchString(text) && !declaration.MatchString(text) {
			return
		}
		if err != nil || got.Address != want.Address || got.LegacyDN != want.LegacyDN || !slices.Equal(got.Schemas, want.Schemas) {
			t.Fatalf("got %+v %v, want %+v", got, err, want)
		}
	})
}
