package reading

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Thunderbird reads XML through JXON (modules/JXON.sys.mjs): texts that look like
// numbers or truth values become such, an empty element is true, and an element with
// attributes or with elements is an object. What follows has JavaScript's rules for them.

type kind int

const (
	undefined kind = iota
	text
	number
	boolean
	object
)

// value is a value of JavaScript, as far as JXON creates it.
type value struct {
	kind   kind
	text   string
	number float64
	truth  bool
	// of an object
	lists      map[string][]value
	attributes map[string]value
}

// objectify converts an element as JXON does.
func objectify(e *element) value {
	if len(e.children) == 0 && len(e.attributes) == 0 {
		switch {
		case e.text != "":
			return parseText(e.text)
		case !e.nodes:
			return value{kind: boolean, truth: true}
		}
	}
	v := value{kind: object, lists: map[string][]value{}, attributes: map[string]value{}}
	for _, child := range e.children {
		name := child.name
		if name == "value" || name == "attr" {
			name += "_"
		}
		v.lists[name] = append(v.lists[name], objectify(child))
	}
	for _, a := range e.attributes {
		v.attributes[a.name] = parseText(a.value)
	}
	if e.text != "" {
		v.lists["value"] = []value{parseText(e.text)}
	}
	return v
}

// parseText works like JXON's function of that name.
func parseText(s string) value {
	if strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
		return value{kind: boolean, truth: strings.EqualFold(s, "true")}
	}
	if n := toNumber(s); !math.IsNaN(n) && !math.IsInf(n, 0) {
		return value{kind: number, number: parseFloat(s, n)}
	}
	return value{kind: text, text: s}
}

// get returns the first element with a name, and whether there is one ("in").
func (v value) get(name string) (value, bool) {
	list := v.lists[name]
	if len(list) == 0 {
		return value{}, false
	}
	return list[0], true
}

// falsy reports whether a value doesn't count as true.
func (v value) falsy() bool {
	switch v.kind {
	case undefined:
		return true
	case text:
		return v.text == ""
	case number:
		return v.number == 0 || math.IsNaN(v.number)
	case boolean:
		return !v.truth
	}
	return false
}

// is compares with a text that isn't a number, by JavaScript's ==.
func (v value) is(s string) bool { return v.kind == text && v.text == s }

// String works like JavaScript's String().
func (v value) String() string {
	switch v.kind {
	case text:
		return v.text
	case number:
		return formatNumber(v.number)
	case boolean:
		return strconv.FormatBool(v.truth)
	case object:
		return "[object Object]"
	}
	return "undefined"
}

// isBlank reports whether a rune is in JavaScript's WhiteSpace or LineTerminator.
func isBlank(r rune) bool { return unicode.IsSpace(r) && r != '\u0085' || r == '\uFEFF' }

func trim(s string) string { return strings.TrimFunc(s, isBlank) }

// toNumber works like JavaScript's Number().
func toNumber(s string) float64 {
	s = trim(s)
	if s == "" {
		return 0
	}
	if len(s) > 2 && s[0] == '0' {
		if base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[s[1]|0x20]; base != 0 && s[1] >= 'A' {
			return digitsOf(s[2:], base)
		}
	}
	unsigned := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if unsigned == "Infinity" && len(s)-len(unsigned) <= 1 {
		return math.Inf(1)
	}
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return math.NaN()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

func digitsOf(digits string, base int) float64 {
	n := 0.0
	for _, r := range digits {
		d, err := strconv.ParseUint(string(r), base, 8)
		if err != nil {
			return math.NaN()
		}
		n = n*float64(base) + float64(d)
	}
	return n
}

// parseFloat works like JavaScript's function of that name for a text that is the number n:
// it only knows decimal numbers, and reads the 0 of others.
func parseFloat(s string, n float64) float64 {
	switch s = trim(s); {
	case s == "":
		return math.NaN()
	case len(s) > 2 && strings.ContainsRune("xXoObB", rune(s[1])):
		return 0
	}
	return n
}

// parseInt works like JavaScript's function of that name.
func parseInt(s string) float64 {
	s = strings.TrimLeftFunc(s, isBlank)
	sign := 1.0
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	base, allowed := 10, "0123456789"
	if len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		base, allowed, s = 16, "0123456789abcdefABCDEF", s[2:]
	}
	digits := s[:len(s)-len(strings.TrimLeft(s, allowed))]
	if digits == "" {
		return math.NaN()
	}
	return sign * digitsOf(digits, base)
}

// formatNumber works like JavaScript's Number.toString().
func formatNumber(n float64) string {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case n == 0:
		return "0"
	case math.Abs(n) >= 1e21 || math.Abs(n) < 1e-6:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(n, 'e', -1, 64), "e")
		sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
		return mantissa + "e" + sign + digits
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
