package reading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// geckoXML parses an answer with a status of 200 to 299 as fetchHTTP does
// (modules/accountcreation/FetchHTTP.sys.mjs).
func geckoXML(d Document) (*element, error) {
	if hasPrefix(d.ContentType, "text/json", "application/json") && !json.Valid(d.Body) {
		return nil, ErrNothing
	}
	if !startsAsXML(d.ContentType) {
		return nil, &mediaType{refusal{fmt.Sprintf("the media type isn't text/xml (%q)", d.ContentType)}}
	}
	if len(d.Body) == 0 || !isXML(d.ContentType) {
		return nil, ErrNothing // XMLHttpRequest has no document then
	}
	_, parameters, _ := mime.ParseMediaType(d.ContentType)
	decoded, err := decode(d.Body, parameters["charset"])
	if err != nil {
		return nil, err
	}
	return parseXML(decoded)
}

// mediaType is a refusal because of the media type alone.
type mediaType struct{ refusal }

// IsMediaType reports whether Thunderbird refuses an answer because of its media type.
func IsMediaType(err error) bool {
	var refused *mediaType
	return errors.As(err, &refused)
}

// TakesType reports whether Thunderbird accepts a Content-Type for a document.
func TakesType(contentType string) bool { return startsAsXML(contentType) && isXML(contentType) }

func startsAsXML(contentType string) bool {
	return hasPrefix(contentType, "text/xml", "application/xml", "text/rdf")
}

func isXML(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "text/xml" || kind == "application/xml" ||
		strings.HasSuffix(kind, "+xml") && !strings.Contains(kind, ",")
}

// hasPrefix compares with regard to letter case, as Thunderbird does.
func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// decode converts a document to UTF-8. A byte order mark takes precedence over the header,
// and the header over the declaration.
func decode(body []byte, label string) (string, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return utf8Text(body[3:])
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\xFF\xFE")):
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(body)
		if err != nil {
			return "", malformed("its encoding")
		}
		return utf8Text(text)
	}
	if enc, _ := charset.Lookup(label); label == "" || enc == nil {
		label = declaredEncoding(body)
	}
	enc, name := charset.Lookup(label)
	if enc == nil || name == "utf-8" {
		return utf8Text(body)
	}
	text, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return "", malformed("its encoding")
	}
	return utf8Text(text)
}

func utf8Text(text []byte) (string, error) {
	if !utf8.Valid(text) {
		return "", malformed("it isn't UTF-8")
	}
	return string(text), nil
}

// declaredEncoding returns the encoding in the XML declaration.
func declaredEncoding(body []byte) string {
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return ""
	}
	declaration, _, ok := bytes.Cut(body, []byte("?>"))
	if !ok {
		return ""
	}
	_, after, ok := bytes.Cut(declaration, []byte("encoding"))
	after = bytes.TrimLeft(after, " \t\r\n=")
	if !ok || len(after) == 0 || after[0] != '"' && after[0] != '\'' {
		return ""
	}
	name, _, _ := bytes.Cut(after[1:], after[:1])
	return string(name)
}
