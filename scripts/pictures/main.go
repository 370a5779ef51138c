// Command pictures draws the docs' strips: what a person meets on the way to mail, and what the
// help desk meets on the way to a link that was used. It starts the demo of the binary that it
// is given, goes both ways in Chromium, and writes into docs/. `make pictures` runs it.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: pictures AUTOCONFIG FOLDER")
	}
	d, err := startDemo(args[0])
	if err != nil {
		return err
	}
	defer d.end()
	ctx, end := startBrowser()
	defer end()
	for name, way := range map[string]func(context.Context, demo) (strip, error){
		"way-person.png": person, "way-helpdesk.png": helpDesk,
	} {
		s, err := way(ctx, d)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		picture, err := s.drawn(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(args[1], name), picture, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// demo is a running one.
type demo struct {
	public, private string // host:port
	end             func()
}

func startDemo(binary string) (demo, error) {
	cmd := exec.Command(binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return demo{}, err
	}
	end := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	listens := regexp.MustCompile(` listen=(\S+) admin_listen=(\S+)`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if at := listens.FindStringSubmatch(lines.Text()); at != nil {
			return demo{at[1], at[2], end}, nil
		}
	}
	end()
	return demo{}, errors.New("the demo doesn't serve")
}

func startBrowser() (context.Context, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	ctx, late := context.WithTimeout(ctx, time.Minute)
	return ctx, func() { late(); end(); stop() }
}

// strip is a row of pictures with what is seen.
type strip struct {
	width, height int64 // of each screen
	shown         int   // the width at which each stands in the strip
	pictures      []picture
}

type picture struct {
	text string
	png  []byte
}

// shoot is what the screen shows.
func (s *strip) shoot(text string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		png, err := page.CaptureScreenshot().Do(ctx)
		s.pictures = append(s.pictures, picture{text, png})
		return err
	})
}

func (s *strip) screen() chromedp.Action {
	return emulation.SetDeviceMetricsOverride(s.width, s.height, 2, s.width < 600)
}

// drawn puts the pictures side by side.
func (s *strip) drawn(ctx context.Context) ([]byte, error) {
	var body strings.Builder
	body.WriteString(`<!doctype html><style>
body { margin: 0; padding: 12px; width: max-content; display: flex; gap: 16px;
	background: #fff; font: 15px/1.35 sans-serif; color: #222 }
figure { margin: 0 } figcaption { padding: 10px 2px 0 }
img { display: block; border: 1px solid #bbb; border-radius: 10px }
</style>`)
	for i, p := range s.pictures {
		fmt.Fprintf(&body, `<figure style="width: %[1]dpx"><img width="%[1]d" src="data:image/png;base64,%[2]s">`+
			`<figcaption>%[3]d. %[4]s</figcaption></figure>`,
			s.shown, base64.StdEncoding.EncodeToString(p.png), i+1, html.EscapeString(p.text))
	}
	var drawn []byte
	return drawn, chromedp.Run(ctx,
		emulation.SetDeviceMetricsOverride(400, 100, 1, false),
		chromedp.Navigate("about:blank"),
		chromedp.ActionFunc(func(ctx context.Context) error {
			tree, err := page.GetFrameTree().Do(ctx)
			if err != nil {
				return err
			}
			return page.SetDocumentContent(tree.Frame.ID, body.String()).Do(ctx)
		}),
		chromedp.Evaluate(`Promise.all([...document.images].map(i => i.decode())).then(() => 0)`, nil,
			func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
		chromedp.Screenshot("body", &drawn, chromedp.ByQuery))
}

const phone = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Chrome/142.0.0.0 Mobile Safari/537.36"

const allOpen = `document.querySelectorAll("details").forEach(d => d.open = true);
	document.querySelector("details").scrollIntoView()`

// person is the way on a phone with Android.
func person(ctx context.Context, d demo) (strip, error) {
	s := strip{width: 390, height: 760, shown: 300}
	return s, chromedp.Run(ctx,
		s.screen(), emulation.SetUserAgentOverride(phone), chromedp.Navigate("http://"+d.public+"/"),
		chromedp.SendKeys("#address", "office@example.com"),
		s.shoot("The address, and nothing else"),
		chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("button[name=program]"),
		s.shoot("The program; the device is known"),
		chromedp.Click("button[name=program][value=thunderbird_android]"), chromedp.WaitVisible("#steps"),
		s.shoot("What it does by itself, and the steps"),
		chromedp.ScrollIntoView("#steps"),
		s.shoot("Steps with this account's values"),
		chromedp.Evaluate(allOpen, nil),
		s.shoot("All settings, for any program"))
}

// helpDesk is the way from the sign-in to a link that somebody has used.
func helpDesk(ctx context.Context, d demo) (strip, error) {
	s := strip{width: 680, height: 640, shown: 400}
	var link string
	desk := "http://" + d.private + "/helpdesk/"
	err := chromedp.Run(ctx,
		s.screen(), emulation.SetUserAgentOverride(""), chromedp.Navigate(desk),
		chromedp.SendKeys("#name", "demo"), chromedp.SendKeys("#password", "demo-password"),
		s.shoot("Sign in"),
		chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#q"), chromedp.SendKeys("#q", "workshop"),
		s.shoot("Part of an address opens the account"),
		chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#note"), chromedp.Evaluate(`scrollTo(0, 0)`, nil),
		s.shoot("What is decided, and why; the link's form is below"),
		chromedp.SendKeys("#note", "ticket 4711"), chromedp.Submit("#note"), chromedp.WaitVisible("#url"),
		s.shoot("The link: by mail, by SMS, or scanned"),
		chromedp.Evaluate(`document.querySelector("#url").textContent`, &link))
	if err != nil {
		return s, err
	}
	tab, end := chromedp.NewContext(ctx)
	defer end()
	err = chromedp.Run(tab, emulation.SetUserAgentOverride(phone), chromedp.Navigate(link),
		chromedp.Click("button[value=settings]"), chromedp.WaitVisible("h1"))
	if err != nil {
		return s, err
	}
	return s, chromedp.Run(ctx, chromedp.Navigate(desk+"links"), chromedp.Click("tbody a"), chromedp.WaitVisible("dl"),
		s.shoot("What has happened to it"))
}
