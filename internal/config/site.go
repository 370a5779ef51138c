package config

import (
	_ "embed"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"

	"autoconfig/policy"
	"autoconfig/settings"
)

// maxSite is the largest site file, in bytes: a million accounts fit.
const maxSite = 256 << 20

// Demo is the site of `serve --demo`.
//
//go:embed demo.yaml
var Demo []byte

// ReadSite reads, normalises and checks a site. All mistakes are in the [*Error]; warnings
// are about what is valid but probably a mistake.
func ReadSite(file string, source []byte) (site policy.Site, warnings settings.Problems, err error) {
	d, err := parse(file, source, maxSite)
	if err != nil {
		return policy.Site{}, nil, err
	}
	if d.body != nil {
		decode := &decoder{complaints: &d.complaints}
		decode.decode(d.body, reflect.ValueOf(&site).Elem())
		if err := d.err(file); err != nil {
			return policy.Site{}, nil, err
		}
	}
	site = site.Normalize()
	problems := site.Check()
	for _, p := range problems.Errors() {
		at := place(find(d.body, p.Path))
		d.add(at.Line, at.Column, "%s", p.Text)
	}
	if site.Domains == nil && len(problems.Errors()) == 0 { // a truncated file must not remove everything
		d.add(1, 1, "there are no domains here; if none is to be served, write: domains: []")
	}
	if err := d.err(file); err != nil {
		return policy.Site{}, nil, err
	}
	return site, problems.Warnings(), nil
}

const siteHeader = `# A site of autoconfig. Read it with: autoconfig apply FILE
# Every key is described in docs/configuration.md.
`

// WriteSite writes a site in the form that [ReadSite] reads.
func WriteSite(w io.Writer, site policy.Site) error {
	if _, err := io.WriteString(w, siteHeader); err != nil {
		return err
	}
	accounts := site.Accounts
	overrides := site.Overrides
	site.Accounts = nil
	site.Overrides = nil
	if !reflect.DeepEqual(site, policy.Site{}) {
		if err := writeYAML(w, site); err != nil {
			return err
		}
	}
	if len(site.Domains) == 0 {
		if _, err := io.WriteString(w, "domains: []\n"); err != nil {
			return err
		}
	}
	if err := writeList(w, "accounts", accounts); err != nil {
		return err
	}
	if overrides != nil && len(overrides) == 0 { // an empty list removes the existing ones
		_, err := io.WriteString(w, "overrides: []\n")
		return err
	}
	return writeList(w, "overrides", overrides)
}

// writeList writes a list in pieces, as the library builds a tree of each.
func writeList[T any](w io.Writer, key string, list []T) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := io.WriteString(w, key+":\n"); err != nil {
		return err
	}
	for piece := range slices.Chunk(list, 1000) {
		if err := writeYAML(w, piece); err != nil {
			return err
		}
	}
	return nil
}

func writeYAML(w io.Writer, v any) error {
	text, err := yaml.MarshalWithOptions(v, yaml.Indent(2), yaml.IndentSequence(false),
		yaml.UseLiteralStyleIfMultiline(false))
	if err != nil {
		return fmt.Errorf("write the site: %w", err)
	}
	_, err = w.Write(text)
	return err
}
