package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// document is a parsed file.
type document struct {
	file string
	body ast.Node // nil for an empty file
	complaints
}

// parse reads the YAML of a file of at most limit bytes.
func parse(file string, source []byte, limit int) (*document, error) {
	whole := func(format string, args ...any) error {
		return &Error{File: file, Items: []Item{{Text: fmt.Sprintf(format, args...)}}}
	}
	switch {
	case len(source) > limit:
		return nil, whole("the file has %d bytes; at most %d are possible", len(source), limit)
	case !utf8.Valid(source):
		return nil, whole("the file is not valid UTF-8")
	}
	source = bytes.TrimPrefix(source, []byte("\uFEFF")) // editors on Windows write it
	d := &document{file: file, complaints: complaints{lines: strings.Split(string(source), "\n")}}
	tree, err := parser.ParseBytes(source, 0)
	if err != nil {
		var place yaml.Error
		if !errors.As(err, &place) || place.GetToken() == nil {
			return nil, whole("%v", err)
		}
		at := place.GetToken().Position
		d.add(at.Line, at.Column, "%s", syntax(place.GetMessage()))
		return nil, d.err(file)
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if d.body != nil {
			at := place(doc.Body)
			d.add(at.Line, at.Column, "a second YAML document begins here; the file must be one")
			return nil, d.err(file)
		}
		d.body = doc.Body
	}
	return d, nil
}

// syntax rewords messages of the parser that are hard to understand.
func syntax(message string) string {
	switch {
	case strings.HasPrefix(message, "mapping key "):
		key, place, _ := strings.Cut(strings.TrimPrefix(message, "mapping key "), " already defined at ")
		line, _, _ := strings.Cut(strings.Trim(place, "[]"), ":")
		return "the key " + key + " stands in line " + line + " already"
	case strings.Contains(message, "'\t' that cannot start"):
		return "a tab can't indent in YAML: use blanks"
	case strings.Contains(message, "could not find end character"):
		return "the quoted text that begins here doesn't end"
	case strings.Contains(message, "']' not found"):
		return "the list that begins here is not closed by ]"
	case strings.Contains(message, "'}' not found"), strings.Contains(message, "could not find flow map"):
		return "the { that begins here is not closed by }"
	}
	return message
}
