package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"autoconfig/internal/links"
	"autoconfig/internal/testkit"
)

// agents are real browsers' User-Agents.
var agents = map[links.Device]string{
	links.IPhone: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Version/18.1 Mobile/15E148 Safari/604.1",
	links.Mac: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Version/18.1 Safari/605.1.15",
	links.Android: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile " +
		"Safari/537.36",
	links.Windows: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 " +
		"Safari/537.36",
}

// As has the browser say that it is on a device.
func As(d links.Device) chromedp.Action { return emulation.SetUserAgentOverride(agents[d]) }

// What a page may cost: with its style, script and picture, before it is compressed.
const (
	maxRequests = 5
	maxPage     = 60_000
)

// Inspect opens every page of a way on every screen: axe-core finds nothing, and
// nothing is wider than the screen.
func Inspect(t *testing.T, name string, screen testkit.Screen) chromedp.Action {
	var violations []testkit.Violation
	var wide bool
	var requests, size int
	return chromedp.Tasks{
		testkit.Screenshot(fmt.Sprintf("%s-%d-dark-%v", name, screen.Width, screen.Dark)),
		chromedp.Evaluate(fmt.Sprintf(`document.documentElement.scrollWidth > %d`, screen.Width), &wide),
		chromedp.Evaluate(`1 + performance.getEntriesByType("resource").length`, &requests),
		chromedp.Evaluate(`performance.getEntries().reduce((sum, e) => sum + (e.decodedBodySize || 0), 0)`, &size),
		chromedp.ActionFunc(func(ctx context.Context) error {
			if requests > maxRequests || size > maxPage {
				t.Errorf("%s takes %d requests and %d bytes", name, requests, size)
			}
			if screen.NoScript {
				return nil // axe-core is one
			}
			err := testkit.Axe(t, "../..", &violations).Do(ctx)
			if len(violations) > 0 || wide {
				t.Errorf("%s at %d, dark %v: wide %v, %+v", name, screen.Width, screen.Dark, wide, violations)
			}
			return err
		}),
	}
}

// Screens are those on which every page is looked at.
func Screens() []testkit.Screen {
	var all []testkit.Screen
	for _, s := range []testkit.Screen{testkit.Phone, testkit.Desktop} {
		for _, dark := range []bool{false, true} {
			s.Dark = dark
			all = append(all, s)
		}
	}
	return all
}

// Scan reads the QR code of a picture, by a reader that is not ours.
func Scan(t *testing.T, picture []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "zbarimg", "-q", "--raw", file).Output()
	if err != nil {
		t.Errorf("zbar: %v", err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// Visible asks the page whether an element is to be seen. chromedp's own
// WaitVisible asks by another way, which Chromium 156 never answers on a phone's
// screen where a table lies under a clipped head.
func Visible(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var seen bool
		script := `(e => e !== null && e.offsetWidth > 0 && e.offsetHeight > 0)(document.querySelector("` + selector + `"))`
		if err := chromedp.Evaluate(script, &seen).Do(ctx); err != nil {
			return err
		}
		if !seen {
			return errors.New(selector + " can't be seen")
		}
		return nil
	})
}
