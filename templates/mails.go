package templates

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	text "text/template"
	"time"

	"autoconfig/settings"
)

//go:embed mails
var mails embed.FS

// mailNames are the messages; each has a plain and an HTML part.
var mailNames = []string{"link", "welcome"}

// Letter is what a message to a person says.
type Letter struct {
	Language string // of [Catalogue.Languages]
	Provider settings.Provider
	// Address is the mailbox that it is about.
	Address string
	// URL is the setup link in it, which works until a time.
	URL   string
	Until time.Time
	// Start is where everybody can begin, without a link.
	Start string
	// Settings are the mailbox's, with the advice to give; only a welcome shows them.
	Settings settings.Settings
}

// Mails are the messages to people, in every language. It is safe for concurrent use.
type Mails struct {
	*Catalogue
	folder fs.FS
}

// NewMails reads the embedded messages, and in their place those of an operator's
// folder: mails/NAME.html and mails/NAME.txt. An error names the file.
func NewMails(catalogue *Catalogue, folder fs.FS) (*Mails, error) {
	m := &Mails{catalogue, folder}
	trial := Letter{Provider: settings.Provider{Name: "Example"}, Until: time.Unix(0, 0)}
	for _, name := range mailNames { // a mistake in one language is one in all
		if _, _, _, err := m.Write(name, trial); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Write is a message's subject and its two parts.
func (m *Mails) Write(name string, l Letter) (subject, plain, page string, err error) {
	subject, err = m.say(l.Language, "mail."+name+".subject", "address", l.Address, "provider", l.Provider.Name)
	if err != nil {
		return "", "", "", err
	}
	functions := m.functions(l)
	file, body, err := m.read(name + ".txt")
	if err != nil {
		return "", "", "", err
	}
	t, err := text.New(file).Funcs(functions).Parse(body)
	if plain, err = written(file, t, err, l); err != nil {
		return "", "", "", err
	}
	h := html.New("").Funcs(functions)
	for _, part := range []string{"frame.html", name + ".html"} {
		file, body, err = m.read(part)
		if err == nil {
			_, err = h.New(file).Parse(body)
		}
		if err != nil {
			return "", "", "", err
		}
	}
	page, err = written(file, h.Lookup("mails/frame.html"), nil, l)
	return subject, tidy(plain), page, err
}

// written is what a template makes of a letter.
func written(file string, t interface {
	Execute(w io.Writer, data any) error
}, err error, l Letter,
) (string, error) {
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, l)
	}
	if err != nil && !strings.Contains(err.Error(), file) {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return b.String(), err
}

// tidy leaves one empty line at most, so that parts that aren't there leave no hole.
func tidy(plain string) string {
	for strings.Contains(plain, "\n\n\n") {
		plain = strings.ReplaceAll(plain, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(plain) + "\n"
}

func (m *Mails) functions(l Letter) map[string]any {
	return map[string]any{
		"t":        func(key string, pairs ...any) (string, error) { return m.say(l.Language, key, pairs...) },
		"m":        func(message settings.Message) string { return m.Text(message, l.Language) },
		"login":    loginAt,
		"until":    func() string { return m.Moment(l.Until, l.Provider.Zone(), l.Language) },
		"language": func() string { return l.Language },
		"upper":    func(v any) string { return strings.ToUpper(fmt.Sprint(v)) },
		"colour":   func() string { return brandColour(l.Provider) },
		"ink":      func() string { return inkOn(brandColour(l.Provider)) },
		"logo": func() html.URL {
			if picture, _ := m.Logo(l.Provider.Logo); picture != nil {
				return "cid:" + LogoID
			}
			return ""
		},
	}
}

// loginAt is what is typed as the user name; "" where the server asks for none.
func loginAt(s settings.Server, l settings.Login) string {
	if len(s.Auth) > 0 && (s.Auth[0] == settings.AuthNone || s.Auth[0] == settings.AuthClientIP) {
		return ""
	}
	return l.Literal
}

// read reads a file of the operator's folder, or our own of the same name.
func (m *Mails) read(name string) (file, body string, err error) {
	file = "mails/" + name
	if m.folder != nil {
		if raw, err := fs.ReadFile(m.folder, file); !errors.Is(err, fs.ErrNotExist) {
			return file, string(raw), err
		}
	}
	raw, err := mails.ReadFile(file)
	return file, string(raw), err
}

// LogoID is by which a message's HTML names its logo (RFC 2392).
const LogoID = "logo"

// maxLogo bounds a logo that goes into every message, in bytes.
const maxLogo = 64 << 10

// Logo is an operator's logo with its media type, if mail programs can show it: they
// don't show SVG.
func (m *Mails) Logo(name string) (picture []byte, mediaType string) {
	kind := kinds[path.Ext(name)]
	if m.folder == nil || kind != "image/png" && kind != "image/jpeg" || strings.ContainsAny(name, `/\`) {
		return nil, ""
	}
	picture, err := fs.ReadFile(m.folder, "assets/"+name)
	if err != nil || len(picture) > maxLogo {
		return nil, ""
	}
	return picture, kind
}

// Moment is a time as people read it, in a zone.
func (c *Catalogue) Moment(t time.Time, zone *time.Location, language string) string {
	t = t.In(zone)
	text, _ := c.say(language, "date.moment", // it has its values
		"weekday", c.Say(fmt.Sprintf("date.weekday.%d", t.Weekday()), language), "day", t.Day(),
		"month", c.Say(fmt.Sprintf("date.month.%d", t.Month()), language), "year", t.Year(),
		"time", t.Format("15:04"), "zone", zone)
	return text
}

// brandColour is the provider's, or our own.
func brandColour(p settings.Provider) string {
	if p.Colour != "" {
		return p.Colour
	}
	return "#1f5fbf"
}

// inkOn is black or white, whichever can be read better on a colour (WCAG 2.2,
// "contrast ratio").
func inkOn(colour string) string {
	var rgb [3]int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		return "#ffffff"
	}
	luminance := 0.0
	for i, part := range []float64{.2126, .7152, .0722} {
		c := float64(rgb[i]) / 255
		luminance += part * c * c // near enough to its curve for black or white
	}
	if luminance > .18 {
		return "#000000"
	}
	return "#ffffff"
}
