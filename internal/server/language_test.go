package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
)

// Pages are in the person's language: chosen now, chosen before, the link's, the
// browser's, the provider's.
func TestPagesSpeakThePersonsLanguage(t *testing.T) {
	t.Parallel()
	l := newLinked(t, func(o *links.Order) { o.Language = "fr"; o.Uses = 5 })
	titles := map[string]string{"en": "Set up your mail", "de": "E-Mail einrichten", "fr": "Configurer le courrier", "es": "Configurar el correo", "it": "re la posta", "nl": "E-mail instellen", "pt": "Configurar o correio", "pl": "Konfiguracja poczty"}
	for language, title := range titles {
		r := l.ask(t, http.MethodGet, "http://setup.example.com/", "", "Accept-Language", language+"-XX,"+language+";q=0.9,ja;q=0.1")
		if body := text(r); !strings.Contains(body, title+"</h1>") || !strings.Contains(body, `<html lang="`+language+`"`) || r.Header.Get("Content-Language") != language {
			t.Errorf("%s:\n%s", language, body)
		}
		r = l.ask(t, http.MethodGet, "http://setup.example.com/?lang="+language, "", "Accept-Language", "ja")
		cookie := r.Cookies()[0]
		if body := text(l.ask(t, http.MethodPost, "http://setup.example.com/", "address=workshop%40example.com&device=other", "Content-Type", formType, "Accept-Language", "ja", "Cookie", cookie.Name+"="+cookie.Value)); !strings.Contains(body, `<html lang="`+language+`"`) || !strings.Contains(body, "pop.example.com") {
			t.Errorf("%s, chosen before:\n%s", language, body)
		}
		// A result is shown again in another language without typing the address anew.
		if body := text(l.ask(t, http.MethodPost, "http://setup.example.com/", "address=workshop%40example.com&device=iphone&lang="+language, "Content-Type", formType)); !strings.Contains(body, `<html lang="`+language+`"`) || strings.Contains(body, "<no value>") || strings.Contains(body, "program.apple") || strings.Contains(body, "{{") {
			t.Errorf("%s, switched:\n%s", language, body)
		}
	}
	if body := text(l.ask(t, http.MethodGet, l.path(), "", "Accept-Language", "de")); !strings.Contains(body, `<html lang="fr"`) {
		t.Error("the link's language isn't the page's")
	}
	r := l.ask(t, http.MethodPost, l.path(), "do=profile", "Content-Type", formType)
	pass := r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
	if body := text(l.ask(t, http.MethodGet, l.path()+"/profile", "", "Cookie", pass)); !strings.Contains(body, "Configure le courrier de workshop@example.com avec POP3.") {
		t.Errorf("the profile's description:\n%s", body)
	}
	// Nothing in a request for a public profile but the address changes it.
	url := "http://setup.example.com/email.mobileconfig?emailaddress=office%40example.com"
	if a, b := text(l.ask(t, http.MethodGet, url, "")), text(l.ask(t, http.MethodGet, url+"&lang=de", "", "Accept-Language", "de", "Cookie", "lang=de")); a != b {
		t.Error("the public profile follows the browser's language")
	}
}

// A provider shows itself, with what the operator's folder has.
func TestBrands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) {
		o.Templates = fstest.MapFS{"assets/logo.svg": {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}, "messages/de.json": {Data: []byte(`{"setup.title": "Post bei uns"}`)}}
	})
	site := testSite(t)
	for i := range site.Providers {
		p := &site.Providers[i]
		p.Colour, p.Logo, p.SupportPhone, p.Language = "#0A5F3C", "logo.svg", "+49 30 1234", "de"
	}
	if err := w.store.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	body := text(w.ask(t, http.MethodGet, "http://autoconfig.example.com/", ""))
	for _, want := range []string{"/assets/colour/0a5f3c.css", "/assets/logo.svg", "49 30 1234", "Post bei uns", `<html lang="de"`, "https://help.example.com/mail"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	for path, want := range map[string]string{"/assets/colour/0a5f3c.css": "--on-brand: #fff", "/assets/colour/ffee00.css": "--on-brand: #000", "/assets/colour/0a5f3.css": "", "/assets/colour/x%3Ab.css": "", "/assets/colour/0A5F3C.css": "--on-brand: #fff"} {
		r := w.ask(t, http.MethodGet, "http://setup.example.com"+path, "")
		if got := text(r); (want == "") != (r.StatusCode == http.StatusNotFound) || !strings.Contains(got, want) {
			t.Errorf("%s: %s %s", path, r.Status, got)
		}
	}
	r := w.ask(t, http.MethodGet, "http://setup.example.com/assets/logo.svg", "")
	if r.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("logo: %v", r.Header)
	}
	if body := text(w.ask(t, http.MethodGet, "http://setup.example.com/email.mobileconfig?emailaddress=a%40example.com", "")); !strings.Contains(body, "Richtet E-Mail für a@example.com mit IMAP ein.") {
		t.Error("the profile doesn't speak the provider's language")
	}
	if _, err := servertest.New(servertest.Options{Directory: w.directory, Templates: fstest.MapFS{"pages/setup.html": {Data: []byte("{{")}}}); err == nil || !strings.Contains(err.Error(), "templates: pages/setup.html") {
		t.Errorf("a mistake in a page: %v", err)
	}
}
