package server_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// site is a world on a real socket, whose public URL is that socket.
func site(t *testing.T) (*world, *httptest.Server, *links.Keeper) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	here := &url.URL{Scheme: "http", Host: s.Listener.Addr().String()}
	var keeper *links.Keeper
	w := newWorld(t, func(o *servertest.Options) { o.PublicURL, keeper, o.Now = here, o.Links, nil })
	s.Config.Handler = w.server.Public(false)
	s.Start()
	t.Cleanup(s.Close)
	return w, s, keeper
}

// A person types the address and is led to what to do, on every kind of device,
// with and without script.
func TestTheWayOfAPerson(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	b := testkit.StartBrowser(t)
	for device, first := range map[links.Device]string{links.IPhone: "Apple Mail (iPhone, iPad)", links.Mac: "Apple Mail (Mac)", links.Android: "Thunderbird for Android", links.Windows: "Thunderbird"} {
		for _, noScript := range []bool{false, true} {
			screen := testkit.Phone
			if device == links.Mac || device == links.Windows {
				screen = testkit.Desktop
			}
			screen.NoScript = noScript
			var heading, program, all string
			var copies int
			b.Open(t, s.URL, screen, servertest.As(device), chromedp.Reload(),
				servertest.Inspect(t, "setup-ask-"+string(device), screen),
				// by keyboard alone
				chromedp.Focus("#address"), chromedp.KeyEvent("workshop@example.com"+kb.Enter),
				chromedp.WaitVisible(".program[open]"),
				servertest.Inspect(t, "setup-"+string(device), screen),
				testkit.Text("h1", &heading), testkit.Text(".program[open] .name", &program), chromedp.TextContent("main", &all),
			)
			if !noScript {
				b.Do(t, chromedp.Evaluate(`document.querySelectorAll("button.small").length`, &copies))
			}
			if heading != "Set up workshop@example.com" || program != first || !strings.Contains(all, "pop.example.com") || (copies < 6) != noScript {
				t.Errorf("%s, no script %v: %q, %q, %d copy buttons\n%s", device, noScript, heading, program, copies, all)
			}
		}
	}
	for _, screen := range servertest.Screens() {
		b.Open(t, s.URL, screen, servertest.As(links.Windows), chromedp.Reload(), servertest.Inspect(t, "setup-ask", screen),
			chromedp.SendKeys("#address", "workshop@example.com"), chromedp.Submit("#address"), chromedp.WaitVisible(".program[open]"),
			servertest.Inspect(t, "setup-result", screen))
	}
}

// Longer words than English ones fit the smallest screen too.
func TestLanguagesFitAPhone(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	b := testkit.StartBrowser(t)
	for _, language := range []string{"de", "fr", "es", "it", "nl", "pt", "pl"} {
		screen := testkit.Screen{Width: 320, Height: 640}
		b.Open(t, s.URL+"/?lang="+language, screen, servertest.As(links.IPhone), chromedp.Reload(), servertest.Inspect(t, "setup-ask-"+language, screen),
			chromedp.SendKeys("#address", "workshop@example.com"), chromedp.Submit("#address"), chromedp.WaitVisible(".program[open]"),
			servertest.Inspect(t, "setup-"+language, screen))
	}
}

// The way of a setup link, from the message to the steps, and the codes on it as
// an independent reader reads them.
func TestTheWayOfALink(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "zbarimg")
	_, s, keeper := site(t)
	b := testkit.StartBrowser(t)
	for _, address := range []string{"workshop@example.com", "office@example.com"} {
		for _, screen := range append(servertest.Screens(), testkit.Screen{Width: 390, Height: 844, NoScript: true}) {
			token, _, err := keeper.Make(t.Context(), links.Order{Address: settings.MustAddress(address), Domain: "example.com", By: "test"})
			if err != nil {
				t.Fatal(err)
			}
			here := s.URL + "/s/" + token
			var shown string
			var code []byte
			if screen.Width > 600 {
				b.Open(t, here, screen, chromedp.Screenshot("#qr-link", &code))
				if got := servertest.Scan(t, code); got != here {
					t.Errorf("the link's code is %q, want %q", got, here)
				}
			}
			b.Open(t, here, screen, servertest.As(links.Android), chromedp.Reload(), servertest.Inspect(t, "link", screen),
				testkit.Text("h1", &shown),
				chromedp.Focus("button[value=settings]"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(".program[open]"),
				servertest.Inspect(t, "link-used", screen), testkit.Text("main", &shown),
			)
			if !strings.Contains(shown, "Why ") || !strings.Contains(shown, "You can come back") {
				t.Errorf("after the button:\n%s", shown)
			}
			// a phone doesn't scan its own screen
			var scannable bool
			b.Do(t, chromedp.Evaluate(`document.getElementById("qr-android").offsetWidth > 0`, &scannable))
			if scannable != (screen.Width > 600) {
				t.Errorf("at %d the code is shown: %v", screen.Width, scannable)
			}
			if scannable {
				b.Do(t, chromedp.Screenshot("#qr-android", &code))
				checkAndroid(t, servertest.Scan(t, code), address)
			}
			other := testkit.StartBrowser(t)
			other.Open(t, here, screen, servertest.Inspect(t, "link-gone", screen), testkit.Text("main", &shown))
			if !strings.Contains(shown, "used already") || !strings.Contains(shown, "help@example.com") {
				t.Errorf("in another browser:\n%s", shown)
			}
			if address == "office@example.com" {
				break
			}
		}
	}
}

// checkAndroid holds the payload against the rules of the format (protocols, I).
func checkAndroid(t *testing.T, payload, address string) {
	t.Helper()
	var p []any
	if err := json.Unmarshal([]byte(payload), &p); err != nil {
		t.Fatalf("%q: %v", payload, err)
	}
	incoming := p[2].([]any)
	want := map[string]string{"workshop@example.com": "[1 pop.example.com 995 3 1 workshop@example.com]", "office@example.com": "[0 imap.example.com 993 3 1 office@example.com]"}[address]
	if p[0] != 1.0 || fmt.Sprint(p[1]) != "[1 1]" || fmt.Sprint(incoming) != want || len(p) != 4 {
		t.Errorf("%s: %s", address, payload)
	}
	group := p[3].([]any)[0].([]any)
	if out := fmt.Sprint(group[0]); out != "[0 smtp.example.com 465 3 1 "+address+"]" || group[1].([]any)[0] != address {
		t.Errorf("%s: %s", address, payload)
	}
}
