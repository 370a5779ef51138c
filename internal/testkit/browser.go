package testkit

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Screen is how a page is looked at.
type Screen struct {
	Width, Height int64
	Dark          bool
	NoScript      bool
}

// The two screens on which every page is looked at.
var (
	Phone   = Screen{Width: 390, Height: 844}
	Desktop = Screen{Width: 1280, Height: 900}
)

// Browser is the real Chromium, with a profile of its own, until the test ends.
type Browser struct{ ctx context.Context } // chromedp keeps the browser in it

// StartBrowser starts Chromium without a window.
func StartBrowser(t testing.TB) *Browser {
	t.Helper()
	Need(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		// Without these it looks for updates on a network that isn't there.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for its end: its folder is removed next
			t.Logf("stopping the browser: %v", err)
		}
		end()
		stop()
	})
	if err := chromedp.Run(ctx); err != nil { // it lasts as long as the context of its first action
		t.Fatalf("starting the browser: %v", err)
	}
	return &Browser{ctx}
}

// Open looks at a URL on a screen, and does actions there.
func (b *Browser) Open(t testing.TB, url string, s Screen, actions ...chromedp.Action) {
	t.Helper()
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	before := []chromedp.Action{
		emulation.SetDeviceMetricsOverride(s.Width, s.Height, 1, s.Width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		emulation.SetScriptExecutionDisabled(s.NoScript),
		chromedp.Navigate(url),
	}
	if err := b.run(append(before, actions...)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// run does actions. What hasn't been done in time never will be: what the page waits
// for is said then.
func (b *Browser) run(actions []chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := chromedp.Run(ctx, actions...)
	if ctx.Err() == nil {
		return err
	}
	soon, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	var state string
	if err := chromedp.Run(soon, chromedp.Evaluate(pageState, &state)); err != nil {
		state = "it says nothing: " + err.Error()
	}
	return fmt.Errorf("not done within %s (%w); the page: %s", patience, err, state)
}

// pageState says how far a page has come, what it has loaded, and what it shows.
const pageState = `[location.href, document.readyState, 
	"loaded " + performance.getEntriesByType("resource").map(e => e.name + " " + e.responseStatus),
	(document.body ? document.body.innerText : "").slice(0, 500)].join("; ")`

// Screenshot keeps a picture of the whole page where SCREENSHOTS names a folder.
func Screenshot(name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		folder := os.Getenv("SCREENSHOTS")
		if folder == "" {
			return nil
		}
		picture, err := page.CaptureScreenshot().WithCaptureBeyondViewport(true).Do(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	})
}

// Awaited waits for what a script promises.
func Awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// Violation is what axe-core finds wrong with a page.
type Violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// Axe has axe-core (bin/axe, by scripts/install-parts) judge the open page. root is
// the repository's folder as seen from the test.
func Axe(t testing.TB, root string, into *[]Violation) chromedp.Action {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "bin/axe/node_modules/axe-core/axe.min.js"))
	if err != nil {
		unmet(t, "needs axe-core: sh scripts/install-parts")
	}
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var text string
		err := chromedp.Run(ctx,
			chromedp.Evaluate(string(source)+";0", nil),
			chromedp.Evaluate(`axe.run().then(r => JSON.stringify(r.violations))`, &text, chromedp.EvalAsValue, Awaited),
		)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), into)
	})
}

// Do does further actions on the page that is open.
func (b *Browser) Do(t testing.TB, actions ...chromedp.Action) {
	t.Helper()
	if err := b.run(actions); err != nil {
		t.Fatal(err)
	}
}

// Text reads what an element shows, as chromedp.Text does. Where the browser has gone
// on to a newer state of the page meanwhile, it is read again.
func Text(selector string, into *string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			err := chromedp.Text(selector, into).Do(ctx)
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "No node with given id") {
				return err
			}
		}
	})
}
