package migrate

import (
	"errors"
	"strings"
)

// blanks separate the words of a cell.
const blanks = " \t\r\n"

// splitGroups splits a cell at blanks. A group whose name has blanks is in double quotes, with
// double quotes doubled.
func splitGroups(cell string) ([]string, error) {
	var words []string
	for rest := strings.TrimLeft(cell, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		word, after, err := cutGroup(rest)
		if err != nil {
			return nil, err
		}
		words, rest = append(words, word), after
	}
	return words, nil
}

func cutGroup(text string) (word, rest string, err error) {
	if text[0] != '"' {
		end := strings.IndexAny(text, blanks)
		if end < 0 {
			return text, "", nil
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	for text = text[1:]; ; {
		before, after, closed := strings.Cut(text, `"`)
		b.WriteString(before)
		switch {
		case !closed:
			return "", "", errors.New("a double quote around a group isn't closed")
		case strings.HasPrefix(after, `"`):
			b.WriteByte('"')
			text = after[1:]
		case after != "" && !strings.ContainsRune(blanks, rune(after[0])):
			return "", "", errors.New("a blank must follow a group in double quotes")
		default:
			return b.String(), after, nil
		}
	}
}

// joinGroups is the inverse of splitGroups.
func joinGroups(groups []string) string {
	words := make([]string, len(groups))
	for i, g := range groups {
		words[i] = g
		if g == "" || strings.ContainsAny(g, blanks) || g[0] == '"' {
			words[i] = `"` + strings.ReplaceAll(g, `"`, `""`) + `"`
		}
	}
	return strings.Join(words, " ")
}

// splitAddresses splits a cell at blanks, except for those in quoted local parts.
func splitAddresses(cell string) []string {
	var words []string
	start := -1
	quoted := false
	for i := 0; i < len(cell); i++ {
		c := cell[i]
		blank := strings.IndexByte(blanks, c) >= 0 && !quoted
		switch {
		case blank && start >= 0:
			words, start = append(words, cell[start:i]), -1
		case !blank && start < 0:
			start = i
		}
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		}
	}
	if start >= 0 {
		words = append(words, cell[start:])
	}
	return words
}
