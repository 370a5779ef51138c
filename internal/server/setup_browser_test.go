package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
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

// onTheWay is what a person does there, of which each click or press of Enter counts.
type onTheWay struct {
	*testing.T
	*testkit.Browser
	screen testkit.Screen
	clicks int
}

// press presses a button, and waits for what comes then.
func (w *onTheWay) press(button, then string) {
	w.Helper()
	w.clicks++
	w.Do(w.T, chromedp.Click(button), chromedp.WaitVisible(then))
}

// begin types an address, by keyboard alone, and waits for what comes then.
func (w *onTheWay) begin(url string, d links.Device, address, then string) {
	w.Helper()
	w.clicks = 1
	w.Open(w.T, url, w.screen, servertest.As(d), chromedp.Reload(), servertest.Inspect(w.T, "setup-ask-"+string(d), w.screen),
		chromedp.Focus("#address"), chromedp.KeyEvent(address+kb.Enter), chromedp.WaitVisible(then))
}

const (
	atSteps    = "#steps"
	atPrograms = "button[name=program]"
	atDevices  = "button[name=device]"
)

// A person types the address and is led to what to do, one question at a time, on every
// kind of device, with and without script. A browser on a Mac may be an iPad's: a script
// tells, and without one the person does. It takes as few clicks as it can.
func TestTheWayOfAPerson(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	b := testkit.StartBrowser(t)
	for _, c := range []struct {
		device   links.Device
		noScript bool
		presses  []string // button and what comes then
		shown    string
		clicks   int // to the button of the profile, and that one too
	}{
		{links.IPhone, false, nil, "Apple Mail (iPhone, iPad)", 2},
		{links.IPhone, true, nil, "Apple Mail (iPhone, iPad)", 2},
		{links.Mac, false, nil, "Apple Mail (Mac)", 2},
		{links.Mac, true, []string{atDevices + "[value=mac]", atSteps}, "Apple Mail (Mac)", 3},
		{links.Mac, true, []string{atDevices + "[value=iphone]", atSteps}, "Apple Mail (iPhone, iPad)", 3},
		{links.Android, false, []string{atPrograms + "[value=samsung]", atSteps}, "Samsung Email", 2},
		{links.Android, true, []string{atPrograms + "[value=another]", atSteps}, "Another program", 2},
		{links.Windows, false, []string{atPrograms + "[value=thunderbird]", atSteps}, "Thunderbird", 2},
		{links.Windows, true, []string{atPrograms + "[value=outlook_classic]", atSteps}, "Outlook (classic)", 2},
	} {
		w := &onTheWay{T: t, Browser: b, screen: testkit.Phone}
		if c.device == links.Mac || c.device == links.Windows {
			w.screen = testkit.Desktop
		}
		w.screen.NoScript = c.noScript
		first := atSteps
		if c.presses != nil {
			first = c.presses[0]
		}
		w.begin(s.URL, c.device, "workshop@example.com", first)
		b.Do(t, servertest.Inspect(t, "setup-first-"+string(c.device), w.screen))
		if c.presses != nil {
			w.press(c.presses[0], c.presses[1])
		}
		var heading, program, all string
		var copies int
		b.Do(t, servertest.Inspect(t, "setup-"+string(c.device), w.screen), testkit.Text("h1", &heading), testkit.Text(".program .name", &program), chromedp.TextContent("main", &all))
		if c.device == links.IPhone || c.device == links.Mac {
			w.clicks++
			b.Do(t, servertest.Visible(atSteps+" a.button.main[href*='mobileconfig']"))
			if advice, button := strings.Index(all, "Back up this device"), strings.Index(all, "Download the profile"); advice < 0 || button < advice {
				t.Errorf("%s: the advice on POP3 doesn't come before the profile:\n%s", c.device, all)
			}
		}
		if heading != "Set up workshop@example.com" || program != c.shown || !strings.Contains(all, "pop.example.com") || w.clicks > c.clicks {
			t.Errorf("%s, no script %v: %q, %q, %d clicks\n%s", c.device, c.noScript, heading, program, w.clicks, all)
		}
		if b.Do(t, chromedp.Evaluate(`document.querySelectorAll("button.small").length`, &copies)); (copies < 6) != c.noScript {
			t.Errorf("%s, no script %v: %d copy buttons", c.device, c.noScript, copies)
		}
	}
}

// An iPad says that it is a Mac, but has a touch screen.
func TestAnIPadIsNoMac(t *testing.T) {
	t.Parallel()
	_, s, keeper := site(t)
	w := &onTheWay{T: t, Browser: testkit.StartBrowser(t), screen: testkit.Screen{Width: 1024, Height: 768}}
	touch := emulation.SetTouchEmulationEnabled(true).WithMaxTouchPoints(5)
	w.Do(t, touch)
	w.begin(s.URL, links.Mac, "office@example.com", atSteps)
	var program, chosen string
	w.Do(t, testkit.Text(".program .name", &program))
	if program != "Apple Mail (iPhone, iPad)" {
		t.Errorf("an iPad gets the steps for %s", program)
	}
	token, _, err := keeper.Make(t.Context(), links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	w.Do(t, chromedp.Navigate(s.URL+"/s/"+token), chromedp.Evaluate(`document.querySelector("input[name=device]:checked").value`, &chosen))
	if chosen != "iphone" {
		t.Errorf("a link on an iPad is for %q", chosen)
	}
}

// People go back to each question and forth again, and nothing is lost: by the page's own
// buttons, and by the browser's.
func TestBackAndForth(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	for _, noScript := range []bool{false, true} {
		w := &onTheWay{T: t, Browser: testkit.StartBrowser(t), screen: testkit.Screen{Width: 390, Height: 844, NoScript: noScript}}
		w.begin(s.URL, links.Android, "office@example.com", atPrograms)
		w.press(atPrograms+"[value=spark]", atSteps)
		w.press("button[name=change][value=device]", atDevices)
		w.Do(t, servertest.Inspect(t, "setup-device", w.screen))
		w.press(atDevices+"[value=iphone]", atSteps) // there is a Spark too
		var program, typed, heading string
		w.Do(t, testkit.Text(".program .name", &program))
		w.press("button[name=change][value=program]", atPrograms)
		w.press(atPrograms+"[value=apple_ios]", atSteps)
		w.press("button[name=change][value=device]", atDevices)
		w.press(atDevices+"[value=windows]", atPrograms) // where there is no such program
		w.press("button[name=change][value=address]", "#address")
		w.Do(t, chromedp.Value("#address", &typed))
		w.Do(t, chromedp.Submit("#address"), chromedp.WaitVisible(atPrograms), chromedp.SetAttributeValue("html", "lang", "xx"))
		w.Do(t, chromedp.Submit("#lang"), chromedp.WaitVisible("html:not([lang=xx]) "+atPrograms), testkit.Text("h1", &heading))
		if program != "Spark" || typed != "office@example.com" || heading != "Which program?" {
			t.Errorf("no script %v: %q, %q, %q", noScript, program, typed, heading)
		}
		w.press(atPrograms+"[value=claws]", atSteps)
		if noScript {
			continue // the browser asks whether to post again
		}
		// by the browser's own buttons
		leave := func(script, then string) {
			t.Helper()
			w.Do(t, chromedp.SetAttributeValue("html", "lang", "xx"), chromedp.Evaluate("setTimeout(() => "+script+"); 0", nil), chromedp.WaitVisible("html:not([lang=xx]) "+then))
		}
		leave("history.back()", atPrograms)
		leave("history.forward()", atSteps)
		leave("location.reload()", atSteps)
		w.Do(t, testkit.Text(".program .name", &program))
		leave("history.back()", atPrograms)
		leave("history.back()", atPrograms) // before it was asked for in a language
		leave("history.back()", "#address")
		w.Do(t, chromedp.Value("#address", &typed))
		if program != "Claws Mail" || typed != "office@example.com" {
			t.Errorf("by the browser's own buttons: %q, %q", program, typed)
		}
	}
}

// Where the Host names the domain, only the part before the @ has to be typed.
func TestTheDomainIsKnownByTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for host, want := range map[string]string{"autoconfig.example.com": "@example.com", "example.com": "@example.com", "setup.example.com": ""} {
		body := text(w.ask(t, http.MethodGet, "http://"+host+"/", ""))
		if shown := strings.Contains(body, `<span id="domain">@example.com</span>`); shown != (want != "") {
			t.Errorf("%s: the domain is shown: %v\n%s", host, shown, body)
		}
		for typed, whole := range map[string]string{"workshop": "workshop@example.com", " workshop ": "workshop@example.com", "workshop@example.com": "workshop@example.com", "someone@example.net": "someone@example.net", "two words": ""} {
			r := w.ask(t, http.MethodPost, "http://"+host+"/", url.Values{"address": {typed}, "device": {"windows"}}.Encode(), "Content-Type", formType)
			if body := text(r); want == "" && !strings.Contains(typed, "@") || whole == "" {
				if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `value="`+typed+`"`) {
					t.Errorf("%s, %q: %s\n%s", host, typed, r.Status, body)
				}
			} else if r.StatusCode != http.StatusOK || !strings.Contains(body, `name="address" value="`+whole+`"`) {
				t.Errorf("%s, %q: %s\n%s", host, typed, r.Status, body)
			}
		}
	}
}

// All settings are copied in one piece, or by keyboard; without script one click selects
// them all.
func TestAllSettingsInOnePiece(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	for _, noScript := range []bool{false, true} {
		w := &onTheWay{T: t, Browser: testkit.StartBrowser(t), screen: testkit.Screen{Width: 390, Height: 844, NoScript: noScript}}
		var folded bool
		var got string
		w.Do(t, browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite}))
		w.begin(s.URL, links.IPhone, "workshop@example.com", atSteps)
		w.Do(t, chromedp.Evaluate(`!document.getElementById("all").open`, &folded), chromedp.Click("#all summary"), chromedp.WaitVisible("#whole"), servertest.Inspect(t, "setup-all", w.screen))
		if noScript {
			w.Do(t, chromedp.Click("#whole"), chromedp.Evaluate(`getSelection().toString()`, &got))
		} else {
			w.Do(t, chromedp.Click("#whole + button"), chromedp.WaitVisible(`//*[@id="status" and string-length(text()) > 0]`), chromedp.Evaluate(`navigator.clipboard.readText()`, &got, chromedp.EvalAsValue, testkit.Awaited))
		}
		const server = "Security: SSL/TLS\nAuthentication: password\nUser name: workshop@example.com\nPassword: your mail password"
		want := "Incoming mail (POP3)\nServer: pop.example.com\nPort: 995\n" + server + "\n\nOutgoing mail (SMTP)\nServer: smtp.example.com\nPort: 465\n" + server
		if !folded || !strings.HasPrefix(got, want) {
			t.Errorf("no script %v: folded %v, got\n%s\nwant\n%s", noScript, folded, got, want)
		}
	}
}

// Longer words than English ones, and text of twice the size, fit the smallest screen too.
func TestLanguagesFitAPhone(t *testing.T) {
	t.Parallel()
	_, s, _ := site(t)
	b := testkit.StartBrowser(t)
	twice := chromedp.Evaluate(`document.documentElement.style.fontSize = "200%"; 0`, nil)
	for _, language := range []string{"de", "fr", "es", "it", "nl", "pt", "pl"} {
		w := &onTheWay{T: t, Browser: b, screen: testkit.Screen{Width: 320, Height: 640}}
		look := func(name string) {
			t.Helper()
			b.Do(t, servertest.Inspect(t, name+"-"+language, w.screen), twice, servertest.Inspect(t, name+"-twice-"+language, w.screen))
		}
		b.Open(t, s.URL+"/?lang="+language, w.screen, servertest.As(links.IPhone), chromedp.Reload())
		look("setup-ask")
		w.begin(s.URL, links.IPhone, "workshop@example.com", atSteps)
		look("setup")
		w.press("button[name=change][value=program]", atPrograms)
		look("setup-program")
		w.press("button[name=change][value=device]", atDevices)
		look("setup-device")
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
				chromedp.Focus("button[value=settings]"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(atPrograms),
				servertest.Inspect(t, "link-programs", screen), chromedp.Click(atPrograms+"[value=thunderbird_android]"), chromedp.WaitVisible(atSteps),
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
			if !strings.Contains(shown, "already been used") || !strings.Contains(shown, "help@example.com") {
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
