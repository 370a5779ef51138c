package templates_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chromedp/chromedp"

	"autoconfig/internal/testkit"
	"autoconfig/templates"
)

// galleryPage is a page of the help desk, put in the place of another one as an operator would.
func galleryPage(t *testing.T) (*templates.Pages, []byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/gallery.html")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.NewPages(fstest.MapFS{"pages/wrong.html": {Data: text}})
	if err != nil {
		t.Fatal(err)
	}
	return pages, text
}

// frame is what the frame around a page wants.
type frame struct {
	Brand struct{ Name, Logo, Colour, HelpURL, SupportEmail, SupportPhone string }
	Actor struct {
		Tab   string
		Admin bool
	}
	Method    string
	Languages []string
	Again     []struct{ Name, Value string }
}

// The gallery shows every component of the style sheet, so that who adds a page finds them all,
// and that each is looked at on every screen, in light and dark. With SCREENSHOTS=FOLDER its
// pictures are kept.
func TestGallery(t *testing.T) {
	t.Parallel()
	pages, text := galleryPage(t)
	style, _ := pages.Asset("page.css")
	frames, err := os.ReadFile("pages/frame.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range classes(string(style)) {
		shown := regexp.MustCompile(`class="([^"]* )?` + class + `[" ]`)
		if !shown.Match(text) && !shown.Match(frames) && class != "icon" && class != "person" {
			t.Errorf("testdata/gallery.html doesn't show .%s", class)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asset, kind := pages.Asset(path.Base(r.URL.Path)); asset != nil {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(asset)
			return
		}
		data := frame{Method: "get", Languages: pages.Languages()}
		data.Brand.Name, data.Actor.Tab, data.Actor.Admin = "Example Mail", "search", true
		var b bytes.Buffer
		if err := pages.Write(&b, "wrong", "en", data); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes())
	}))
	t.Cleanup(s.Close)
	b := testkit.StartBrowser(t)
	for _, width := range []int64{320, 390, 768, 1280} {
		for _, dark := range []bool{false, true} {
			screen, name := testkit.Screen{Width: width, Height: 900, Dark: dark}, fmt.Sprintf("gallery-%d", width)
			if dark {
				name += "-dark"
			}
			var wrong []testkit.Violation
			var wider int64
			b.Open(t, s.URL, screen, chromedp.WaitVisible("h1"), testkit.Axe(t, "..", &wrong),
				chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &wider),
				testkit.Screenshot(name))
			for _, v := range wrong {
				t.Errorf("%s: %+v", name, v)
			}
			if wider > 0 {
				t.Errorf("%s: %d pixels are beyond the screen", name, wider)
			}
		}
	}
}

// classes are the names of a style sheet's classes.
func classes(style string) (all []string) {
	style = regexp.MustCompile(`(?s)/\*.*?\*/|url\([^)]*\)|\{[^{}]*\}`).ReplaceAllString(style, " ")
	for _, found := range regexp.MustCompile(`\.([a-z][a-z-]*)`).FindAllStringSubmatch(style, -1) {
		if !slices.Contains(all, found[1]) && !strings.HasPrefix(found[1], "css") {
			all = append(all, found[1])
		}
	}
	return all
}
