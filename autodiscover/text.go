package autodiscover

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/ianaindex"
)

// utf8Text is a request in UTF-8, without its declaration and the blanks around it. What
// its encoding is says a byte order mark, else how a < is written in it, else its
// declaration, else it is UTF-8 (XML 1.0, appendix F). The media type's charset isn't
// looked at: programs send forms' media types, and libraries add a charset of their own.
//
// The declaration's version doesn't matter: nothing of what XML 1.1 allows changes the
// reading of a request.
func utf8Text(body []byte) ([]byte, error) {
	text, err := inUTF8(body)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\uFEFF")))
	if begins.Match(text) {
		at := declaration.FindIndex(text)
		if at == nil {
			return nil, fmt.Errorf("%w: its declaration can't be read", ErrMalformed)
		}
		text = text[at[1]:]
	}
	if len(text) > MaxBody {
		return nil, ErrTooLarge
	}
	return text, nil
}

var (
	begins           = regexp.MustCompile(`^<\?xml\s`)
	declaration      = regexp.MustCompile(`^<\?xml(?:\s+[a-z]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*\?>`)
	declaredEncoding = regexp.MustCompile(`\sencoding\s*=\s*["']([^"']*)["']`)
)

func inUTF8(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}), bytes.HasPrefix(body, []byte{'<', 0}):
		return fromUTF16(body, binary.LittleEndian)
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}), bytes.HasPrefix(body, []byte{0, '<'}):
		return fromUTF16(body, binary.BigEndian)
	}
	found := declaredEncoding.FindSubmatch(declaration.Find(bytes.TrimSpace(body)))
	if found == nil || bytes.HasPrefix(body, []byte("\uFEFF")) {
		return body, nil
	}
	name := strings.ToLower(string(found[1]))
	switch name {
	case "utf-8", "utf8":
		return body, nil
	case "utf-16", "utf-16le", "utf-16be", "unicode":
		// A declaration that can be read byte by byte isn't in UTF-16: programs for .NET that
		// write a string send UTF-8 so (OfficeDev/ews-managed-api#240).
		return body, nil
	}
	encoding, err := ianaindex.IANA.Encoding(name)
	if err != nil || encoding == nil {
		return nil, fmt.Errorf("%w: it declares an encoding that isn't known", ErrMalformed)
	}
	text, err := encoding.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return text, nil
}

func fromUTF16(body []byte, order binary.ByteOrder) ([]byte, error) {
	if len(body)%2 != 0 {
		return nil, fmt.Errorf("%w: half a character at the end", ErrMalformed)
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	text := make([]byte, 0, len(body))
	for _, r := range utf16.Decode(units) {
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}
