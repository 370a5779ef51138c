package migrate

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html/charset"

	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// published documents are read by encoding/xml as well, whose reading shares
// nothing with ours.
type independent struct {
	Provider []struct {
		ID       string   `xml:"id,attr"`
		Domain   []string `xml:"domain"`
		Name     string   `xml:"displayName"`
		Short    string   `xml:"displayShortName"`
		Incoming []server `xml:"incomingServer"`
		Outgoing []server `xml:"outgoingServer"`
		Docs     []docs   `xml:"documentation"`
		Enable   []struct {
			URL  string   `xml:"visiturl,attr"`
			Text []string `xml:"instruction"`
		} `xml:"enable"`
	} `xml:"emailProvider"`
	Docs    []docs `xml:"documentation"`
	Webmail []struct {
		Page struct {
			URL string `xml:"url,attr"`
		} `xml:"loginPage"`
	} `xml:"webMail"`
	OAuth2 []struct {
		Issuer string `xml:"issuer"`
		Auth   string `xml:"authURL"`
	} `xml:"oAuth2"`
}

type docs struct {
	URL  string   `xml:"url,attr"`
	Text []string `xml:"descr"`
}

type server struct {
	Type   string   `xml:"type,attr"`
	Host   string   `xml:"hostname"`
	Port   string   `xml:"port"`
	Socket []string `xml:"socketType"`
	Auth   []string `xml:"authentication"`
	User   string   `xml:"username"`
	Leave  string   `xml:"pop3>leaveMessagesOnServer"`
	Days   string   `xml:"pop3>daysToLeaveMessagesOnServer"`
}

func (s server) text() string {
	return fmt.Sprintf("%s %s %s %q %q %s %s %s", s.Type, trim(s.Host), trim(s.Port), trimAll(s.Socket), trimAll(s.Auth), trim(s.User), trim(s.Leave), trim(s.Days))
}

func parsedText(s thunderbird.Server) string {
	return fmt.Sprintf("%s %s %s %q %q %s %s %s", s.Type, s.Hostname, s.Port, trimAll(s.SocketTypes), trimAll(s.Authentication), trim(s.Username), s.Leave, s.Days)
}

func trim(s string) string { return strings.TrimSpace(s) }

func trimAll(list []string) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, trim(s))
	}
	return out
}

// providerFiles are the shapes that matter, of our own writing, and every file of
// Thunderbird's provider database where it lies beside the checkout.
func providerFiles(t *testing.T) []string {
	t.Helper()
	own, err := filepath.Glob("testdata/published/*.xml")
	if err != nil || len(own) < 5 {
		t.Fatalf("%d files of our own, %v", len(own), err)
	}
	database, err := filepath.Glob("../../../shared/data/ispdb/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	if len(database) == 0 {
		t.Log("the provider database isn't beside the checkout; only our own files are read")
	}
	return append(own, database...)
}

func read(t *testing.T, file string) (*thunderbird.Config, []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := thunderbird.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c, data
}

func TestReadingKeepsEverythingThatAFileSays(t *testing.T) {
	t.Parallel()
	for _, file := range providerFiles(t) {
		c, data := read(t, file)
		var want independent
		decoder := xml.NewDecoder(strings.NewReader(string(data)))
		decoder.CharsetReader = charset.NewReaderLabel
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		compare := func(what string, got, want any) {
			t.Helper()
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %s is %v, the file has %v", file, what, got, want)
			}
		}
		if len(want.Provider) == 0 {
			t.Fatalf("%s: no provider", file)
		}
		p := want.Provider[0]
		compare("id", c.ID, p.ID)
		compare("name", c.DisplayName, trim(p.Name))
		compare("short name", c.DisplayShortName, trim(p.Short))
		var domains []string
		for _, d := range c.Domains {
			domains = append(domains, d.Name)
		}
		compare("domains", domains, trimAll(p.Domain))
		for _, side := range []struct {
			name string
			got  []thunderbird.Server
			want []server
		}{{"incoming", c.Incoming, p.Incoming}, {"outgoing", c.Outgoing, p.Outgoing}} {
			compare(side.name+" servers", len(side.got), len(side.want))
			for i := range min(len(side.got), len(side.want)) {
				compare(side.name, parsedText(side.got[i]), side.want[i].text())
			}
		}
		var pages, texts int
		for _, d := range append(p.Docs, want.Docs...) {
			pages++
			texts += len(d.Text)
		}
		var gotTexts int
		for _, d := range c.Documentation {
			gotTexts += len(d.Texts)
		}
		compare("documentation", []int{len(c.Documentation), gotTexts}, []int{pages, texts})
		compare("enable", len(c.Enable), len(p.Enable))
		if len(want.Webmail) > 0 {
			compare("webmail", c.Webmail, want.Webmail[0].Page.URL)
		}
		if len(want.OAuth2) > 0 {
			compare("OAuth2", []string{c.OAuth2.Issuer, c.OAuth2.AuthURL}, []string{trim(want.OAuth2[0].Issuer), trim(want.OAuth2[0].Auth)})
		}
	}
}

// Each file becomes a site whose servers are the file's, in order; rendered with
// either protocol as the default, the best server of it stands there. What a site
// can't or won't say is in testdata/skipped.txt.
func TestEveryProviderFileBecomesASite(t *testing.T) {
	t.Parallel()
	var skippedText strings.Builder
	for _, file := range providerFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		if !strings.Contains(name, ".") {
			name += ".example"
		}
		c, _ := read(t, file)
		domain, provider, skipped := FromThunderbird(c, name)
		for _, s := range skipped {
			fmt.Fprintf(&skippedText, "%s: %s\n", filepath.Base(file), s)
		}
		for _, p := range []settings.Protocol{settings.IMAP, settings.POP3, settings.SMTP} {
			list := c.Incoming
			if p == settings.SMTP {
				list = c.Outgoing
			}
			sameServers(t, file, p, domain.Servers.Of(p), list, skipped)
		}
		if len(domain.Servers.SMTP) == 0 {
			fmt.Fprintf(&skippedText, "%s: no site: nothing is left to send by\n", filepath.Base(file))
			continue
		}
		for _, p := range []settings.Protocol{settings.IMAP, settings.POP3} {
			if len(domain.Servers.Of(p)) == 0 {
				continue
			}
			domain.Policy.Default = p
			rendersBest(t, file, policy.Site{Providers: []settings.Provider{provider}, Domains: []policy.Domain{domain}}, p)
		}
	}
	golden(t, "testdata/skipped.txt", skippedText.String(), len(providerFiles(t)) > 20)
}

// sameServers compares in order, leaving out what was skipped with a reason.
func sameServers(t *testing.T, file string, p settings.Protocol, got policy.ServerList, list []thunderbird.Server, skipped []Skipped) {
	t.Helper()
	var want []string
	for _, s := range list {
		left := slices.ContainsFunc(skipped, func(x Skipped) bool {
			return x.Element == fmt.Sprintf("%s %s:%s %s", s.Type, s.Hostname, s.Port, strings.Join(s.SocketTypes, " ")) && !strings.HasPrefix(x.Reason, "authentication ") && !strings.HasPrefix(x.Reason, "it is imported ")
		})
		if s.Type == string(p) && !left {
			want = append(want, fmt.Sprintf("%s:%s %s", strings.ToLower(s.Hostname), s.Port, s.SocketTypes[0]))
		}
	}
	var have []string
	for _, s := range got {
		have = append(have, fmt.Sprintf("%s:%d %s", s.Host, s.Port, map[settings.Security]string{settings.TLS: "SSL", settings.STARTTLS: "STARTTLS"}[s.Security]))
	}
	if !slices.Equal(have, want) {
		t.Errorf("%s: %s servers %q, the file has %q", file, p, have, want)
	}
}

func rendersBest(t *testing.T, file string, site policy.Site, p settings.Protocol) {
	t.Helper()
	if err := site.Check().Err(); err != nil {
		t.Errorf("%s as a site with %s: %v", file, p, err)
		return
	}
	terms, _ := site.Terms(site.Domains[0].Name)
	rendered, err := thunderbird.Render(terms.DefaultSettings(terms.Name))
	if err != nil {
		t.Errorf("%s with %s: %v", file, p, err)
		return
	}
	back, err := thunderbird.Parse(rendered)
	if err != nil {
		t.Errorf("%s with %s: %v", file, p, err)
		return
	}
	best, _ := settings.Best(terms.Servers.Of(p))
	smtp, _ := settings.Best(terms.Servers.SMTP)
	if len(back.Incoming) != 1 || len(back.Outgoing) != 1 || back.Incoming[0].Type != string(p) ||
		back.Incoming[0].Hostname != best.Host || back.Incoming[0].Port != fmt.Sprint(best.Port) || back.Outgoing[0].Hostname != smtp.Host {
		t.Errorf("%s with %s: rendered %+v, best is %+v", file, p, back.Incoming, best)
	}
}

// golden compares. Where not everything could be read, it checks that nothing new is
// there, and -update keeps the file: what is missing isn't gone.
func golden(t *testing.T, file, got string, whole bool) {
	t.Helper()
	if *update && whole {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if whole && got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
	for line := range strings.Lines(got) {
		if !strings.Contains(string(want), line) {
			t.Errorf("%s doesn't list: %s", file, line)
		}
	}
}
