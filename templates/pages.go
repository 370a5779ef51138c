package templates

import (
	"embed"
	"html/template"
	"io"
)

//go:embed pages
var pages embed.FS

// Pages are the HTML pages.
type Pages struct{ byName map[string]*template.Template }

// NewPages reads the embedded pages; an error is a mistake in them.
func NewPages() (*Pages, error) {
	p := &Pages{byName: map[string]*template.Template{}}
	for _, name := range []string{"checks", "check"} {
		parsed, err := template.ParseFS(pages, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, err
		}
		p.byName[name] = parsed
	}
	return p, nil
}

// Write writes a page.
func (p *Pages) Write(w io.Writer, name string, data any) error {
	return p.byName[name].ExecuteTemplate(w, "layout", data)
}

// Asset is a style sheet or a script of the pages, with its media type; an unknown
// one is nil.
func Asset(name string) (text []byte, mediaType string) {
	kinds := map[string]string{"page.css": "text/css; charset=utf-8", "copy.js": "text/javascript; charset=utf-8"}
	kind, known := kinds[name]
	if !known {
		return nil, ""
	}
	text, err := pages.ReadFile("pages/" + name)
	if err != nil {
		return nil, ""
	}
	return text, kind
}
