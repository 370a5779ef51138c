package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
)

// Assets adds the routes of style sheets, scripts and images.
func (a *App) Assets(e *echo.Echo) {
	Get(e, "/assets/:name", a.asset)
	Get(e, "/assets/colour/:name", colour)
}

func (a *App) asset(c echo.Context) error {
	text, kind := a.Pages.Asset(c.Param("name"))
	if text == nil {
		return directory.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // an image may be opened by itself
	h.Set("Cache-Control", "public, max-age=3600")
	return Blob(c, http.StatusOK, kind, text)
}

func colour(c echo.Context) error {
	style, ok := colourStyle(c.Param("name"))
	if !ok {
		return directory.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return Blob(c, http.StatusOK, "text/css; charset=utf-8", []byte(style))
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
	return fmt.Sprintf(":root { --brand: #%s; --on-brand: %s; --accent-light: #%s; --accent-dark: #%s; }\n",
		digits, on, readable(digits, darkest), readable(digits, lightest)), true
}

// The backgrounds of pages on which a colour is read worst: the darkest of the light
// ones and the lightest of the dark ones (page.css, --ground and --sunken, with a tint).
const (
	darkest  = "dfe2ee"
	lightest = "2c2f3d"
)

// readable is a colour moved towards black or white until it has the contrast that text
// needs on a background (WCAG 2.2, 1.4.3): a provider's yellow is no text on white.
func readable(digits, background string) string {
	back, end := luminance(background), 0.0
	if back < 0.179 {
		end = 255
	}
	for step := range 101 {
		text := ""
		for i := range 3 {
			n, _ := strconv.ParseUint(digits[2*i:2*i+2], 16, 8) // checked by the caller
			text += fmt.Sprintf("%02x", int(math.Round(float64(n)+(end-float64(n))*float64(step)/100)))
		}
		if contrast(luminance(text), back) >= 4.5 {
			return text
		}
	}
	return digits // can't be: black and white have more on these
}

// contrast is that of two luminances (WCAG 2.2, "contrast ratio").
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// luminance is a colour's, from six hexadecimal digits (WCAG 2.2, "relative
// luminance").
func luminance(digits string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(digits[2*i:2*i+2], 16, 8) // checked by the caller
		part := float64(n) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
