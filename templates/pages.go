package templates

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"autoconfig/settings"
)

//go:embed pages
var pages embed.FS

// layouts are the pages by the frame that is around them. Operators' pages are in
// English, like what is found and what is logged.
var layouts = map[string][]string{
	"layout.html": {"home", "checks", "check"},
	"frame.html": {
		"setup", "link", "gone", "later", "signin", "enrol", "code", "passkey", "search", "account", "made", "links", "life",
		"people", "audit", "own", "wrong",
	},
}

// Pages are the HTML pages, in every language. It is safe for concurrent use.
type Pages struct {
	*Catalogue
	// Mails are the messages to people, of the same folder.
	Mails      *Mails
	folder     fs.FS
	byLanguage map[string]func() (map[string]*template.Template, error)
}

// NewPages reads the embedded pages, and in their place those of an operator's
// folder: pages/NAME.html, and beside them messages and assets. A nil folder has
// none. An error names the file.
func NewPages(folder fs.FS) (*Pages, error) {
	catalogue, err := NewCatalogue(folder)
	if err != nil {
		return nil, err
	}
	p := &Pages{
		Catalogue: catalogue, folder: folder,
		byLanguage: map[string]func() (map[string]*template.Template, error){},
	}
	for _, l := range catalogue.Languages() {
		// A language's pages are two megabytes: few need all.
		p.byLanguage[l] = sync.OnceValues(func() (map[string]*template.Template, error) { return p.parseAll(l) })
	}
	if p.Mails, err = NewMails(catalogue, folder); err != nil {
		return nil, err
	}
	_, err = p.parseAll(catalogue.Languages()[0]) // a mistake in one is one in all
	return p, err
}

func (p *Pages) parseAll(l string) (map[string]*template.Template, error) {
	all := map[string]*template.Template{}
	for layout, names := range layouts {
		for _, name := range names {
			parsed, err := p.parse(l, layout, name+".html", "programs.html")
			if err != nil {
				return nil, err
			}
			all[name] = parsed
		}
	}
	return all, nil
}

func (p *Pages) parse(l string, files ...string) (*template.Template, error) {
	t := template.New("").Funcs(template.FuncMap{
		"t":        func(key string, pairs ...any) (string, error) { return p.say(l, key, pairs...) },
		"m":        func(m settings.Message) string { return p.Text(m, l) },
		"steps":    steps,
		"button":   func() string { return buttonMark },
		"icon":     icon,
		"split":    split,
		"timed":    timed,
		"datetime": datetime,
		"language": func() string { return l },
		"named":    languageName,
		"upper":    func(v any) string { return strings.ToUpper(fmt.Sprint(v)) },
		"join":     strings.Join,
		"has":      strings.Contains,
	})
	for _, file := range files {
		text, err := p.read("pages/" + file)
		if err != nil {
			return nil, err
		}
		if _, err := t.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("pages/%s: %w", file, err)
		}
	}
	return t, nil
}

// read reads a file of the operator's folder, or our own of the same name.
func (p *Pages) read(name string) ([]byte, error) {
	if p.folder != nil {
		if text, err := fs.ReadFile(p.folder, name); !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return pages.ReadFile(name)
}

// languageName is what a language calls itself.
func languageName(tag string) string {
	return display.Self.Name(language.Make(tag))
}

// Write writes a page in a language of [Catalogue.Languages].
func (p *Pages) Write(w io.Writer, name, language string, data any) error {
	all, err := p.byLanguage[language]()
	if err != nil {
		return err
	}
	return all[name].ExecuteTemplate(w, "layout", data)
}

// kinds are the media types of assets. A logo may be an image of these.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg",
}

// maxAsset bounds an operator's asset, in bytes.
const maxAsset = 1 << 20

// Asset is a style sheet or a script of the pages, or an image of the operator's
// folder (assets/NAME), with its media type; an unknown one is nil.
func (p *Pages) Asset(name string) (text []byte, mediaType string) {
	kind, known := kinds[path.Ext(name)]
	if !known || strings.ContainsAny(name, `/\`) {
		return nil, ""
	}
	if p.folder != nil {
		if text, err := fs.ReadFile(p.folder, "assets/"+name); err == nil && len(text) <= maxAsset {
			return text, kind
		}
	}
	text, err := pages.ReadFile("pages/" + name)
	if err != nil {
		return nil, ""
	}
	return text, kind
}
