package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"autoconfig/autodiscover"
)

const (
	poxURL        = "http://autodiscover.example.com/autodiscover/autodiscover.xml"
	outlookSchema = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	syncSchema    = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
)

// thunderbirdAgent is what Thunderbird calls itself.
var thunderbirdAgent = []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0"}

// poxRequest is what clients post; inner is put in as it is.
func poxRequest(inner, schema string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>` + inner +
		`<AcceptableResponseSchema>` + schema + `</AcceptableResponseSchema></Request></Autodiscover>`
}

func mail(address string) string { return "<EMailAddress>" + address + "</EMailAddress>" }

// pox posts a request and reads the reply back.
func (w *world) pox(t *testing.T, target, body string, header ...string) *autodiscover.Response {
	t.Helper()
	r := w.ask(t, http.MethodPost, target, body, header...)
	return readPOX(t, r)
}

func readPOX(t *testing.T, r *http.Response) *autodiscover.Response {
	t.Helper()
	body := text(r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/xml; charset=utf-8" || r.Header.Get("Www-Authenticate") != "" {
		t.Fatalf("%s %q\n%s", r.Status, r.Header.Get("Content-Type"), body)
	}
	response, err := autodiscover.ParseResponse([]byte(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return response
}

// poxGist is protocol, host, port and login of the incoming server, or the error.
func poxGist(r *autodiscover.Response) string {
	if r.Error != nil {
		return r.Error.Code.String()
	}
	p := r.Protocols[0]
	return p.Type + " " + p.Server + " " + p.LoginName
}

func TestAutodiscoverAnswersEachClientsRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		path, body string
		header     []string
		want       string
	}{
		"IMAP":          {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), outlookSchema), nil, "IMAP imap.example.com office@example.com"},
		"POP3":          {"/autodiscover/autodiscover.xml", poxRequest(mail("workshop@example.com"), outlookSchema), nil, "POP3 pop.example.com workshop@example.com"},
		"letter case":   {"/Autodiscover/AutoDiscover.XML", poxRequest(mail("Kiosk@Example.com"), outlookSchema), nil, "POP3 pop.example.com Kiosk@example.com"},
		"doubled slash": {"//autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), outlookSchema), nil, "IMAP imap.example.com office@example.com"},
		"ampersand":     {"/autodiscover/autodiscover.xml", poxRequest(mail("a&b@example.com"), outlookSchema), nil, "POP3 pop.example.com a&b@example.com"},
		"escaped":       {"/autodiscover/autodiscover.xml", poxRequest(mail("a&amp;b@example.com"), outlookSchema), nil, "POP3 pop.example.com a&b@example.com"},
		"FairEmail":     {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), outlookSchema), []string{"Content-Type", "application/x-www-form-urlencoded"}, "IMAP imap.example.com office@example.com"},
		"credentials":   {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), outlookSchema), []string{"Authorization", "Basic b2ZmaWNlOnNlY3JldA=="}, "IMAP imap.example.com office@example.com"},
		"own login":     {"/autodiscover/autodiscover.xml", poxRequest(mail("boss@example.com"), outlookSchema), nil, "IMAP imap.example.com 00123"},
		// Its reader makes 123 of it.
		"own login, Thunderbird":   {"/autodiscover/autodiscover.xml", poxRequest(mail("boss@example.com"), outlookSchema), thunderbirdAgent, "501"},
		"local part, Thunderbird":  {"/autodiscover/autodiscover.xml", poxRequest(mail("00123@login.example"), outlookSchema), thunderbirdAgent, "501"},
		"other login, Thunderbird": {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), outlookSchema), thunderbirdAgent, "IMAP imap.example.com office@example.com"},
		"other address":            {"/autodiscover/autodiscover.xml", poxRequest(mail("chef@example.com"), outlookSchema), nil, "IMAP imap.example.com 00123"},
		"nobody":                   {"/autodiscover/autodiscover.xml", poxRequest(mail("nobody@example.com"), outlookSchema), nil, "IMAP imap.example.com nobody@example.com"},
		"alias domain":             {"/autodiscover/autodiscover.xml", poxRequest(mail("nobody@example.net"), outlookSchema), nil, "IMAP imap.example.com nobody@example.com"},
		"unknown domain":           {"/autodiscover/autodiscover.xml", poxRequest(mail("a@other.example"), outlookSchema), nil, "500"},
		"LegacyDN":                 {"/autodiscover/autodiscover.xml", poxRequest("<LegacyDN>/o=x</LegacyDN>", outlookSchema), nil, "500"},
		"LegacyDN beside":          {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com")+"<LegacyDN>/o=x</LegacyDN>", outlookSchema), nil, "500"},
		"MobileSync":               {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), syncSchema), nil, "601"},
		"unknown schema":           {"/autodiscover/autodiscover.xml", poxRequest(mail("office@example.com"), "urn:x"), nil, "601"},
		"no address":               {"/autodiscover/autodiscover.xml", poxRequest("", outlookSchema), nil, "600"},
		"two @":                    {"/autodiscover/autodiscover.xml", poxRequest(mail("a@b@example.com"), outlookSchema), nil, "600"},
		"not XML":                  {"/autodiscover/autodiscover.xml", "hello", nil, "600"},
		"empty":                    {"/autodiscover/autodiscover.xml", "", nil, "600"},
		"DTD":                      {"/autodiscover/autodiscover.xml", `<!DOCTYPE a [<!ENTITY b "c">]>` + poxRequest(mail("&b;@example.com"), outlookSchema), nil, "600"},
		"plaintext":                {"/autodiscover/autodiscover.xml", poxRequest(mail("a@plain.example"), outlookSchema), nil, "501"},
		"OAuth2 only":              {"/autodiscover/autodiscover.xml", poxRequest(mail("a@oauth.example"), outlookSchema), nil, "501"},
	} {
		if got := poxGist(w.pox(t, "http://autodiscover.example.com"+c.path, c.body, c.header...)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAutodiscoverBodiesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fits := poxRequest(mail("office@example.com")+"<!--"+strings.Repeat("x", 15<<10)+"-->", outlookSchema)
	if got := poxGist(w.pox(t, poxURL, fits)); !strings.HasPrefix(got, "IMAP") {
		t.Errorf("15 KiB: %s", got)
	}
	r := w.ask(t, http.MethodPost, poxURL, poxRequest(mail(strings.Repeat("a", 16<<10)+"@example.com"), outlookSchema))
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("over 16 KiB: %s", r.Status)
	}
}

func TestAutodiscoverGetIsAnsweredOnlyWhereNobodyDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Only default: no rule, no account of its own.
	if got := poxGist(readPOX(t, w.ask(t, http.MethodGet, "http://autodiscover.starttls.example/autodiscover/autodiscover.xml", ""))); !strings.HasPrefix(got, "IMAP imap.starttls.example") {
		t.Errorf("uniform domain: %s", got)
	}
	for _, domain := range []string{"oauth.example", "plain.example"} {
		if got := poxGist(readPOX(t, w.ask(t, http.MethodGet, "http://autodiscover."+domain+"/autodiscover/autodiscover.xml", ""))); got != "501" {
			t.Errorf("%s, which the format can't say: %s", domain, got)
		}
	}
	for _, host := range []string{"autodiscover.example.com", "autodiscover.other.example", "localhost", "autodiscover.login.example"} {
		r := w.ask(t, http.MethodGet, "http://"+host+"/autodiscover/autodiscover.xml", "")
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %s, Allow %q", host, r.Status, r.Header.Get("Allow"))
		}
	}
	// With an address it is as good as a POST.
	if got := poxGist(readPOX(t, w.ask(t, http.MethodGet, poxURL+"?email=workshop@example.com", ""))); got != "POP3 pop.example.com workshop@example.com" {
		t.Errorf("with an address: %s", got)
	}
}

func TestAutodiscoverJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const base = "http://evil.example/autodiscover/autodiscover.json"
	for name, c := range map[string]struct {
		target string
		status int
		want   string
	}{
		"query":             {base + "?Email=office%40example.com&Protocol=Autodiscoverv1&RedirectCount=1", 200, "https://setup.example.com/autodiscover/autodiscover.xml"},
		"letter case":       {"http://x/AutoDiscover/Autodiscover.JSON?email=office%40example.com&PROTOCOL=AUTODISCOVERV1", 200, "https://setup.example.com/autodiscover/autodiscover.xml"},
		"path":              {base + "/v1.0/office+x@example.com?Protocol=AutodiscoverV1", 200, "https://setup.example.com/autodiscover/autodiscover.xml"},
		"path, letter case": {base + "/V1.0/Office%40Example.com?Protocol=AutodiscoverV1", 200, "https://setup.example.com/autodiscover/autodiscover.xml"},
		"EWS":               {base + "/v1.0/office@example.com?Protocol=EWS", 400, "InvalidProtocol"},
		"ActiveSync":        {base + "?Email=office%40example.com&Protocol=ActiveSync", 400, "InvalidProtocol"},
		"no protocol":       {base + "?Email=office%40example.com", 400, "MandatoryParameterMissing"},
		"no address":        {base + "?Protocol=AutodiscoverV1", 400, "MandatoryParameterMissing"},
		"bad address":       {base + "?Email=%3Cscript%3E&Protocol=AutodiscoverV1", 400, ""},
		"unknown domain":    {base + "?Email=a%40other.example&Protocol=AutodiscoverV1", 404, ""},
	} {
		r := w.ask(t, http.MethodGet, c.target, "")
		body := text(r)
		var got map[string]string
		if err := json.Unmarshal([]byte(body), &got); err != nil || r.StatusCode != c.status || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s %s %v", name, r.Status, body, err)
			continue
		}
		if got["Url"] != c.want && got["ErrorCode"] != c.want && c.want != "" || strings.Contains(body, "evil") || strings.Contains(body, "script") {
			t.Errorf("%s: %s", name, body)
		}
	}
}
