package testkit_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"autoconfig/internal/testkit"
)

// web is a scripted server on ports 443 and 80.
type web struct {
	mu       sync.Mutex
	pages    map[string]string // scheme://host/path -> body, sent as text/xml
	moved    map[string]string // scheme://host/path -> where it has gone
	guarded  string            // a path that answers 401 without the password "secret"
	requests []string
}

// names are the records that lead to it.
func names() []string {
	return []string{
		"example.com. A 127.0.0.1",
		"autoconfig.example.com. A 127.0.0.1",
		"autodiscover.example.com. A 127.0.0.1",
		"autodiscover.hoster.net. A 127.0.0.1",
	}
}

func startWeb(t *testing.T, ca *testkit.CA) *web {
	t.Helper()
	w := &web{}
	cert := ca.Issue(t, testkit.Leaf{Names: []string{
		"example.com", "autoconfig.example.com", "autodiscover.example.com", "autodiscover.hoster.net",
	}})
	config := &tls.Config{Certificates: []tls.Certificate{cert.TLS()}}
	secure, err := tls.Listen("tcp", "127.0.0.1:443", config)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	for _, listener := range []net.Listener{secure, plain} {
		// A client that aborts a handshake is no news.
		server := &http.Server{Handler: w, ErrorLog: log.New(io.Discard, "", 0)}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.Serve(listener)
		}()
		t.Cleanup(func() {
			_ = server.Close()
			<-done
		})
	}
	return w
}

// publish replaces all pages by this one, or by none, and forgets what was asked.
func (w *web) publish(url, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = nil
	w.guarded = ""
	w.moved = map[string]string{}
	w.pages = map[string]string{}
	if url != "" {
		w.pages[url] = body
	}
}

// guard lets a path ask for a password.
func (w *web) guard(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.guarded = path
}

// move lets a page redirect.
func (w *web) move(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved[from] = to
}

func (w *web) asked(request string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.requests, request)
}

func (w *web) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.requests, "\n")
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r.Method+" "+scheme+r.Host+r.URL.RequestURI())
	if _, password, _ := r.BasicAuth(); w.guarded != "" && r.URL.Path == w.guarded && password != "secret" {
		rw.Header().Set("WWW-Authenticate", `Basic realm="Autodiscover"`)
		http.Error(rw, "who are you?", http.StatusUnauthorized)
		return
	}
	// Evolution sends the domain in the letters in which it was typed.
	url := scheme + strings.ToLower(r.Host) + r.URL.Path
	if to, ok := w.moved[url]; ok {
		http.Redirect(rw, r, to, http.StatusFound)
		return
	}
	body, ok := w.pages[url]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	// Autodiscover servers know POST alone; a redirected POST arrives as GET.
	if r.Method != http.MethodPost && strings.HasSuffix(url, autodiscoverPath) {
		http.Error(rw, "post it", http.StatusMethodNotAllowed)
		return
	}
	rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = rw.Write([]byte(body))
}

const ispURL = "https://autoconfig.example.com/mail/config-v1.1.xml"

// document is a hand-written configuration; provider comes before the servers,
// extra after the incoming one, and root after emailProvider.
func document(incoming, provider, extra, root string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.com">
    <domain>example.com</domain>
    <displayName>Example Mail</displayName>
    <displayShortName>Example</displayShortName>
    ` + provider + incoming + extra + `
    <outgoingServer type="smtp">
      <hostname>smtp.example.com</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
  ` + root + `
</clientConfig>
`
}

const autodiscoverPath = "/autodiscover/autodiscover.xml"

// pox is an Autodiscover answer with the servers of document(imap(...)).
func pox() string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol><Type>IMAP</Type><Server>imap.example.com</Server><Port>993</Port><SSL>on</SSL></Protocol>
      <Protocol><Type>SMTP</Type><Server>smtp.example.com</Server><Port>587</Port><SSL>on</SSL></Protocol>
    </Account>
  </Response>
</Autodiscover>
`
}

// imap is an incoming server for a login.
func imap(username string) string {
	return `<incomingServer type="imap">
      <hostname>imap.example.com</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>` + username + `</username>
    </incomingServer>`
}

// pop3 leaves mail for 9 days: 14 would be Thunderbird's own default.
func pop3() string {
	return `<incomingServer type="pop3">
      <hostname>pop.example.com</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <authentication>password-encrypted</authentication>
      <username>%EMAILLOCALPART%</username>
      <pop3>
        <leaveMessagesOnServer>true</leaveMessagesOnServer>
        <daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer>
      </pop3>
    </incomingServer>`
}

// element is one thing that a richer document may carry.
type element struct {
	name, provider, extra, root string
}

// richElements are the parts of a document beyond mail servers, each alone and
// then all together.
func richElements() []element {
	service := func(tag, kind string) string {
		return `<` + tag + ` type="` + kind + `"><url>https://dav.example.com/</url>` +
			`<authentication system="http">Basic</authentication><username>%EMAILADDRESS%</username></` + tag + `>`
	}
	list := []element{
		{name: "calendar", root: service("calendar", "caldav")},
		{name: "addressbook", root: service("addressbook", "carddav")},
		{name: "addressBook", root: service("addressBook", "carddav")},
		{name: "fileShare", root: service("fileShare", "webdav")},
		{name: "setupServer", root: `<setupServer type="managesieve"><hostname>sieve.example.com</hostname><port>4190</port>` +
			`<socketType>STARTTLS</socketType><authentication>password-cleartext</authentication>` +
			`<username>%EMAILADDRESS%</username></setupServer>`},
		{name: "webMail", root: `<webMail><loginPage url="https://mail.example.com/"/></webMail>`},
		{name: "oAuth2", root: `<oAuth2><issuer>login.example.com</issuer><scope>openid mail</scope>` +
			`<authURL>https://login.example.com/auth</authURL><tokenURL>https://login.example.com/token</tokenURL></oAuth2>`},
		{name: "documentation", provider: `<documentation url="https://help.example.com/"><descr lang="en">Help</descr></documentation>`},
		{name: "jmap", extra: `<incomingServer type="jmap"><url>https://jmap.example.com/.well-known/jmap</url>` +
			`<authentication system="http">Basic</authentication><username>%EMAILADDRESS%</username></incomingServer>`},
	}
	all := element{name: "all"}
	for _, e := range list {
		all.provider += e.provider
		all.extra += e.extra
		all.root += e.root
	}
	return append(list, all)
}
