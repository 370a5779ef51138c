package templates

import (
	"fmt"
	"html/template"
)

// icons are the insides of drawings of 24 by 24, made of lines that have the text's
// colour (page.css). They are in the page: a file of their own would be one more request.
var icons = map[string]string{
	"iphone": `<rect x="7" y="2" width="10" height="20" rx="2.5"/><path d="M11 5h2M10.5 19h3"/>`,
	"mac":    `<path d="M5 5.5A1.5 1.5 0 0 1 6.5 4h11A1.5 1.5 0 0 1 19 5.5V15H5zM2.5 18.5h19L19 15H5z"/>`,
	"android": `<rect x="6" y="2" width="12" height="20" rx="2"/><circle cx="12" cy="5" r=".6"/>` +
		`<path d="M9 19.5h1M11.5 19.5h1M14 19.5h1"/>`,
	"windows": `<rect x="2.5" y="4" width="19" height="12.5" rx="1.5"/>` +
		`<path d="M12 16.5V20M8 20h8M12 4v12.5M2.5 10.25h19"/>`,
	"linux": `<rect x="2.5" y="4" width="19" height="13" rx="1.5"/>` +
		`<path d="M12 17v3M8 20h8M6.5 8.5l2.5 2-2.5 2M11 13h4"/>`,
	"other": `<rect x="2.5" y="5" width="13" height="10" rx="1.5"/>` +
		`<rect x="16.5" y="9" width="5" height="10" rx="1.2"/><path d="M6 19h6M9 15v4"/>`,
}

// icon draws one beside a text that says the same; "" for a name that has none.
func icon(name string) template.HTML {
	if icons[name] == "" {
		return ""
	}
	//nolint:gosec // a constant of ours
	return template.HTML(fmt.Sprintf(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">%s</svg>`, icons[name]))
}
