package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// brand is how a provider shows itself on a page.
type brand struct {
	Name, HelpURL, SupportEmail, SupportPhone string
	// Logo and Colour are a file of our assets and six hexadecimal digits.
	Logo, Colour string
	language     string
}

func brandOf(p settings.Provider) brand {
	return brand{
		Name: p.Name, HelpURL: p.HelpURL, SupportEmail: p.SupportEmail, SupportPhone: p.SupportPhone,
		Logo: p.Logo, Colour: strings.ToLower(strings.TrimPrefix(p.Colour, "#")), language: p.Language,
	}
}

// hostBrand is that of the domain whose name the Host is, if there is one.
func (s *Server) hostBrand(ctx context.Context, host string) (brand, error) {
	a, err := s.forHost(ctx, host)
	switch {
	case err == nil:
		return brandOf(a.settings.Provider), nil
	case errors.Is(err, directory.ErrNotFound):
		return brand{Name: "autoconfig"}, nil
	}
	return brand{}, err
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// frame is what is around a page.
type frame struct {
	Brand     brand
	Languages []string
	language  string
	// Actor is who is signed in at the help desk; nil on public pages.
	Actor *staff.Actor
	// Method and Again are how the page is asked for again in another language.
	Method string
	Again  []field
}

const languageCookie = "lang"

// newFrame chooses the language: what the person chose, now or before; what
// whoever made the page chose; what the browser wants; the provider's.
func (s *Server) newFrame(c echo.Context, b brand, chosen string) frame {
	wanted := []string{}
	asked := askedLanguage(c)
	if asked != "" {
		wanted = append(wanted, asked)
	} else if cookie, err := c.Cookie(languageCookie); err == nil {
		wanted = append(wanted, cookie.Value)
	}
	wanted = append(wanted, chosen, c.Request().Header.Get("Accept-Language"), b.language)
	f := frame{Brand: b, Languages: s.pages.Languages(), Method: "get"}
	f.language = s.pages.Language(wanted...)
	if asked != "" {
		c.SetCookie(&http.Cookie{Name: languageCookie, Value: f.language, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode}) //nolint:gosec // plain http only on loopback
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

// pageHeaders let a page load what is ours, and send forms to us. Nobody may put
// it into a frame, keep it, find it by searching, or learn from where a person came.
func pageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "no-store")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// sendFramed writes a page in its frame's language, whole or not at all.
func (s *Server) sendFramed(c echo.Context, status int, name string, f frame, data any) error {
	var text bytes.Buffer
	if err := s.pages.Write(&text, name, f.language, data); err != nil {
		return err
	}
	h := c.Response().Header()
	pageHeaders(h)
	h.Set("Content-Language", f.language)
	h.Set("Vary", "Accept-Language, Cookie")
	return c.HTMLBlob(status, text.Bytes())
}

// form reads what was posted, before anything else looks at it.
func form(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, web.MaxForm)
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
				return errBadForm
			}
		}
		if err := r.ParseForm(); err != nil {
			return errBadForm
		}
		return next(c)
	}
}

// wellFormed refuses what no database of ours holds alike: NUL characters and what
// isn't UTF-8, which PostgreSQL takes for a failure even where it only compares.
func wellFormed(next echo.HandlerFunc) echo.HandlerFunc {
	good := func(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
	return func(c echo.Context) error {
		values := c.Request().Form // what form has read
		if values == nil {
			values = c.QueryParams()
		}
		for _, list := range values {
			for _, text := range list {
				if !good(text) {
					return errBadText
				}
			}
		}
		if !good(c.Request().URL.Path) {
			return errBadText
		}
		return next(c)
	}
}

// colourStyle is the style sheet of a colour, which is all in its name: text on
// it is black or white, whichever differs more (WCAG 2.2, relative luminance).
func colourStyle(name string) (style string, ok bool) {
	digits, found := strings.CutSuffix(name, ".css")
	if !found || len(digits) != 6 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	on := "#000"
	if luminance(digits) < 0.179 { // where the contrasts with black and white are the same
		on = "#fff"
	}
	return ":root { --brand: #" + digits + "; --on-brand: " + on + "; }\n", true
}

func (s *Server) colour(c echo.Context) error {
	style, ok := colourStyle(c.Param("name"))
	if !ok {
		return directory.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(style))
}
