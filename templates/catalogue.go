package templates

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"autoconfig/settings"
)

//go:embed messages/*.json
var messages embed.FS

// Catalogue has every message in every language. It is safe for concurrent use.
type Catalogue struct{ bundle *i18n.Bundle }

// NewCatalogue reads the embedded messages.
func NewCatalogue() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	files, err := messages.ReadDir("messages")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(messages, "messages/"+file.Name()); err != nil {
			return nil, fmt.Errorf("messages/%s: %w", file.Name(), err)
		}
	}
	return &Catalogue{bundle}, nil
}

// Text is a message in the first of the languages (BCP 47 tags, or an
// Accept-Language header) that has it, else in English. A key that is in no
// catalogue is an error of ours; it is shown as it is.
func (c *Catalogue) Text(m settings.Message, languages ...string) string {
	config := &i18n.LocalizeConfig{MessageID: m.Key, TemplateData: m.Args}
	if days, ok := m.Args["days"]; ok {
		config.PluralCount = days
	}
	text, err := i18n.NewLocalizer(c.bundle, languages...).Localize(config)
	if err != nil && text == "" {
		return m.Key
	}
	return text
}
