package simulate

import (
	"net/http"
	"strings"
	"testing"

	"autoconfig/autodiscover"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// What each program ends up with in worlds that tell them apart. The real
// Thunderbird and Evolution go the same way in real_test.go.
func TestEveryProgramGoesItsWay(t *testing.T) {
	t.Parallel()
	fred := settings.MustAddress("fred@example.com")
	noSRV := func(t *testing.T, w *world) {
		for _, label := range []string{"_imaps", "_submissions"} {
			w.remove(t, label+"._tcp.example.com")
		}
	}
	ours := func(w *world) http.HandlerFunc { return answer(w.terms.Settings(fred, w.terms.Unknown(fred))) }
	const both = "imap imap.example.com"
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world)
		want   map[string]string
	}{
		"IMAP": {func(*testing.T, *world) {}, map[string]string{
			"thunderbird": both, "thunderbird-android": both, "outlook": both, "apple": both, "evolution": both, "kmail": both, "deltachat": both, "fairemail": both, "nextcloud": both,
		}},
		"POP3": {func(t *testing.T, w *world) {
			noSRV(t, w)
			a := w.terms.Unknown(fred)
			a.Protocol = settings.POP3
			w.service(w.terms.Settings(fred, a))
		}, map[string]string{
			"thunderbird": "pop3 pop.example.com", "thunderbird-android": "", "outlook": "pop3 pop.example.com", "apple": "pop3 pop.example.com", "evolution": "pop3 pop.example.com",
			"kmail": "pop3 pop.example.com", "deltachat": "", "fairemail": "", "nextcloud": "",
		}},
		"only SRV": {func(_ *testing.T, w *world) { clear(w.sites) }, map[string]string{
			"thunderbird": "", "thunderbird-android": "", "outlook": "", "apple": "", "evolution": "", "kmail": "", "fairemail": both, "nextcloud": "",
		}},
		"only Autodiscover": {func(t *testing.T, w *world) { noSRV(t, w); delete(w.sites, "https://autoconfig.example.com") }, map[string]string{
			"thunderbird": both, "thunderbird-android": "", "outlook": both, "evolution": "", "kmail": "", "fairemail": both, "nextcloud": "",
		}},
		"plaintext beside": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["https://autoconfig.example.com"] = config(xmlPage(goodIMAP + goodSMTP + xmlServer("outgoing", "smtp", "old.example.com", 25, "plain", "x")))
		}, map[string]string{"thunderbird": both, "thunderbird-android": "", "nextcloud": both}},
		"a defective server first": {func(t *testing.T, w *world) {
			noSRV(t, w)
			delete(w.sites, "https://autodiscover.example.com")
			w.sites["https://autoconfig.example.com"] = config(xmlPage(xmlServer("incoming", "imap", "old.example.com", 143, "plain", "x") + goodIMAP + goodSMTP))
		}, map[string]string{"thunderbird": "imap old.example.com", "thunderbird-android": "", "evolution": both, "nextcloud": "imap old.example.com"}},
		"POP3 before IMAP": {func(t *testing.T, w *world) {
			noSRV(t, w)
			delete(w.sites, "https://autodiscover.example.com")
			w.sites["https://autoconfig.example.com"] = config(xmlPage(xmlServer("incoming", "pop3", "pop.example.com", 995, "SSL", "x") + goodIMAP + goodSMTP))
		}, map[string]string{"thunderbird": "pop3 pop.example.com", "thunderbird-android": both, "fairemail": "", "nextcloud": both}},
		"a page without tags": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["https://autoconfig.example.com"] = say(404, "text/plain", "404 page not found")
		}, map[string]string{"deltachat": "", "outlook": both}},
		"our 404": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["https://autoconfig.example.com"] = say(404, "text/plain", "There is no configuration for this domain here.\n</none>\n")
			w.sites["https://example.com"] = testkit.Only(autodiscover.Path, ours(w), say(404, "text/plain", "x\n</none>\n"))
		}, map[string]string{"deltachat": both}},
		"outlook-redirect-url": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["https://autodiscover.example.com"] = atPath(autodiscover.Path, say(200, xmlType, poxHead+`<Action>redirectUrl</Action><RedirectUrl>https://setup.example.com/autodiscover/autodiscover.xml</RedirectUrl></Account></Response></Autodiscover>`))
			w.sites["https://setup.example.com"] = ours(w)
		}, map[string]string{"outlook": both}},
		"published-placeholder-domain-android": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["https://autoconfig.example.com"] = config(say(200, xmlType, strings.Replace(configWith(goodIMAP+goodSMTP), "<domain>example.com", "<domain>%EMAILDOMAIN%", 1)))
		}, map[string]string{"thunderbird": both, "thunderbird-android": both}},
		"redirect from http": {func(t *testing.T, w *world) {
			noSRV(t, w)
			w.sites["http://autodiscover.example.com"] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "https://setup.example.com"+autodiscover.Path, http.StatusFound)
			}
			delete(w.sites, "https://autodiscover.example.com")
			w.sites["https://setup.example.com"] = ours(w)
		}, map[string]string{"outlook": both}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.service(w.terms.Settings(fred, w.terms.Unknown(fred)))
			c.change(t, w)
			for client, want := range c.want {
				if s := w.simulate(t, client); gist(s.Account) != want {
					t.Errorf("%s: %q, want %q\n%+v", client, gist(s.Account), want, s)
				}
			}
		})
	}
	if _, err := (Simulator{Prober: newWorld(t).prober}).Run(t.Context(), "pine", fred); err == nil || !strings.Contains(err.Error(), "use one of thunderbird, ") {
		t.Errorf("an unknown program: %v", err)
	}
}

// Thunderbird ends its requests to other providers once a better one has answered: what
// those say is not said to be taken.
func TestWhatThunderbirdDoesNotNeed(t *testing.T) {
	t.Parallel()
	fred := settings.MustAddress("fred@example.com")
	w := newWorld(t)
	ours := w.terms.Settings(fred, w.terms.Unknown(fred))
	w.service(ours)
	w.sites["https://live.thunderbird.net"] = answer(ours)
	steps := w.simulate(t, "thunderbird").Steps
	taken, beside := 0, 0
	for _, step := range steps {
		switch {
		case strings.HasPrefix(step.Verdict, "takes it"):
			taken++
		case strings.Contains(step.Request, "live.thunderbird.net") && step.Verdict == "asked as well, not needed":
			beside++
		}
	}
	if taken != 1 || beside == 0 {
		t.Errorf("%d are taken, %d of the database asked beside: %+v", taken, beside, steps)
	}
}

// A server may answer Thunderbird as it answers nobody else, so it must be told who asks.
func TestThunderbirdSaysThatItIsThunderbird(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sites["https://autoconfig.example.com"] = func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.UserAgent(), " Thunderbird/") {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		config(xmlPage(goodIMAP+goodSMTP))(rw, r)
	}
	if s := w.simulate(t, "thunderbird"); s.Account == nil {
		t.Errorf("no account: %+v", s)
	}
	if s := w.simulate(t, "kmail"); s.Account != nil {
		t.Errorf("KMail passes for Thunderbird: %+v", s)
	}
}

func gist(s *Setup) string {
	if s == nil {
		return ""
	}
	return string(s.Protocol) + " " + s.Incoming.Host
}
