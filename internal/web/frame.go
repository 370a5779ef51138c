package web

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"autoconfig/settings"
)

// Brand is how a provider shows itself on a page.
type Brand struct {
	Name, HelpURL, SupportEmail, SupportPhone string
	// Logo and Colour are a file of our assets and six hexadecimal digits.
	Logo, Colour string
	language     string
}

// BrandOf is a provider's.
func BrandOf(p settings.Provider) Brand {
	return Brand{
		Name: p.Name, HelpURL: p.HelpURL, SupportEmail: p.SupportEmail, SupportPhone: p.SupportPhone,
		Logo: p.Logo, Colour: strings.ToLower(strings.TrimPrefix(p.Colour, "#")), language: p.Language,
	}
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// Frame is what is around a page.
type Frame struct {
	Brand     Brand
	Languages []string
	// Lang is the language of the page.
	Lang string
	// Actor is who is signed in at the help desk; nil on public pages.
	Actor *SignedIn
	// Method and Again are how the page is asked for again in another language.
	Method string
	Again  []Field
}

// SignedIn is what a page's head shows of who is signed in.
type SignedIn struct {
	Admin bool
	// Tab is the part of the navigation that the page belongs to.
	Tab string
}

const languageCookie = "lang"

// NewFrame chooses the language: what the person chose, now or before; what
// whoever made the page chose; what the browser wants; the provider's.
func (a *App) NewFrame(c echo.Context, b Brand, chosen string) Frame {
	wanted := []string{}
	asked := askedLanguage(c)
	if asked != "" {
		wanted = append(wanted, asked)
	} else if cookie, err := c.Cookie(languageCookie); err == nil {
		wanted = append(wanted, cookie.Value)
	}
	wanted = append(wanted, chosen, c.Request().Header.Get("Accept-Language"), b.language)
	f := Frame{Brand: b, Languages: a.Pages.Languages(), Method: "get"}
	f.Lang = a.Pages.Language(wanted...)
	if asked != "" {
		c.SetCookie(&http.Cookie{ //nolint:gosec // plain http only on loopback
			Name: languageCookie, Value: f.Lang, Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: a.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
		})
	}
	return f
}

// askedLanguage is the one of the form, if that was read already, or of the query: a
// page that says what is wrong reads no body.
func askedLanguage(c echo.Context) string {
	if form := c.Request().Form; form != nil {
		return form.Get("lang")
	}
	return c.QueryParam("lang")
}

// Gap stands in a kept page's data for the one text that each answer has of its own.
const Gap = "gap.invalid"

// SendKeptPage is SendPage for a page that is the same for all who ask for it in the same
// language, with the same brand and the same variant, which is comparable, but for the
// text in its gaps. It is rendered once: a flood of it costs little.
func (a *App) SendKeptPage(
	c echo.Context, status int, name string, f Frame, variant any, gap string, data func() any,
) error {
	key := keptPage{name, f.Lang, f.Brand, variant}
	text := a.kept.get(key)
	if text == nil {
		var err error
		if text, err = a.renderPage(name, f.Lang, data()); err != nil {
			return err
		}
		a.kept.put(key, text)
	}
	pageHeaders(c.Response().Header(), f.Lang)
	return Blob(c, status, echo.MIMETextHTMLCharsetUTF8, bytes.ReplaceAll(text, []byte(Gap), []byte(template.HTMLEscapeString(gap))))
}

// SendPage writes a page in its frame's language, whole or not at all.
func (a *App) SendPage(c echo.Context, status int, name string, f Frame, data any) error {
	text, err := a.renderPage(name, f.Lang, data)
	if err != nil {
		return err
	}
	pageHeaders(c.Response().Header(), f.Lang)
	return Blob(c, status, echo.MIMETextHTMLCharsetUTF8, text)
}

// SendOperatorPage writes a page in English, whole or not at all.
func (a *App) SendOperatorPage(c echo.Context, name string, data any) error {
	text, err := a.renderPage(name, "en", data)
	if err != nil {
		return err
	}
	PageHeaders(c.Response().Header())
	return Blob(c, http.StatusOK, echo.MIMETextHTMLCharsetUTF8, text)
}

func (a *App) renderPage(name, language string, data any) ([]byte, error) {
	var text bytes.Buffer
	err := a.Pages.Write(&text, name, language, data)
	return text.Bytes(), err
}

func pageHeaders(h http.Header, language string) {
	PageHeaders(h)
	h.Set("Content-Language", language)
	h.Set("Vary", "Accept-Language, Cookie")
}

// Form reads what was posted, before anything else looks at it.
func Form(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, MaxForm)
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
				return ErrBadForm
			}
		}
		if err := r.ParseForm(); err != nil {
			return ErrBadForm
		}
		return next(c)
	}
}

// RequireUTF8 refuses what no database of ours holds alike: NUL characters and what
// isn't UTF-8, which PostgreSQL takes for a failure even where it only compares.
func RequireUTF8(next echo.HandlerFunc) echo.HandlerFunc {
	good := func(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
	return func(c echo.Context) error {
		values := c.Request().Form // what Form has read
		if values == nil {
			values = c.QueryParams()
		}
		for _, list := range values {
			for _, text := range list {
				if !good(text) {
					return ErrBadText
				}
			}
		}
		if !good(c.Request().URL.Path) {
			return ErrBadText
		}
		return next(c)
	}
}

// FirstBytes cuts a text, at a character's end.
func FirstBytes(text string, n int) string {
	for len(text) > n {
		text = text[:len(text)-1]
	}
	return strings.ToValidUTF8(text, "")
}

// Moment is a time as people read it on a page.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
