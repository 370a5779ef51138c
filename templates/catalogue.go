package templates

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"autoconfig/settings"
)

//go:embed messages/*.json
var messages embed.FS

// Catalogue has every message in every language. It is safe for concurrent use.
type Catalogue struct {
	bundle  *i18n.Bundle
	matcher language.Matcher
	tags    []language.Tag
}

// NewCatalogue reads the embedded messages, and over them those of an operator's
// folder: messages/LANGUAGE.json, with as many keys as are to differ. A nil folder
// has none.
func NewCatalogue(folder fs.FS) (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	c := &Catalogue{bundle: bundle}
	if err := c.load(messages); err != nil {
		return nil, err
	}
	if folder != nil {
		if err := c.load(folder); err != nil {
			return nil, err
		}
	}
	c.tags = bundle.LanguageTags()
	c.matcher = language.NewMatcher(c.tags)
	return c, nil
}

func (c *Catalogue) load(folder fs.FS) error {
	files, err := fs.ReadDir(folder, "messages")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, file := range files {
		if path.Ext(file.Name()) != ".json" {
			continue
		}
		if _, err := c.bundle.LoadMessageFileFS(folder, "messages/"+file.Name()); err != nil {
			return fmt.Errorf("messages/%s: %w", file.Name(), err)
		}
	}
	return nil
}

// Languages are the ones that there are texts in, English first.
func (c *Catalogue) Languages() []string {
	all := make([]string, len(c.tags))
	for i, tag := range c.tags {
		all[i] = tag.String()
	}
	return all
}

// Language is the best of ours for what is wanted, most wanted first: BCP 47 tags
// or an Accept-Language header. English if there is nothing near.
func (c *Catalogue) Language(wanted ...string) string {
	var list []language.Tag
	for _, w := range wanted {
		if tags, _, err := language.ParseAcceptLanguage(w); err == nil && len(w) < 1000 {
			list = append(list, tags...)
		}
	}
	_, i, _ := c.matcher.Match(list...)
	return c.tags[i].String()
}

// Speaks tells whether there are texts in a language (a BCP 47 tag), or in one that is
// near to it.
func (c *Catalogue) Speaks(tag string) bool {
	wanted, err := language.Parse(tag)
	if err != nil {
		return false
	}
	_, _, confidence := c.matcher.Match(wanted)
	return confidence >= language.Low
}

// Text is a message in the first of the languages (BCP 47 tags, or an
// Accept-Language header) that has it, else in English. A key that is in no
// catalogue is an error of ours; it is shown as it is.
func (c *Catalogue) Text(m settings.Message, languages ...string) string {
	config := &i18n.LocalizeConfig{MessageID: m.Key, TemplateData: m.Args}
	for _, counted := range []string{"days", "count"} {
		if n, ok := m.Args[counted]; ok {
			config.PluralCount = n
		}
	}
	text, err := i18n.NewLocalizer(c.bundle, languages...).Localize(config)
	if err != nil && text == "" {
		return m.Key
	}
	return text
}

// Say is a message without values.
func (c *Catalogue) Say(key string, languages ...string) string {
	return c.Text(settings.Message{Key: key}, languages...)
}

// Title is what the service calls itself where no provider does.
func (c *Catalogue) Title() string { return "autoconfig" }

// say is a message by its key and pairs of names and values.
func (c *Catalogue) say(language, key string, pairs ...any) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("%s: a value is missing", key)
	}
	args := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		args[fmt.Sprint(pair[0])] = fmt.Sprint(pair[1])
	}
	return c.Text(settings.Message{Key: key, Args: args}, language), nil
}
