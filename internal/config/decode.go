package config

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"autoconfig/internal/suggest"
)

// decoder fills our types from a YAML tree. The library's own decoder reads the unquoted
// login 00123 as 83, accepts any text as a date, and can't say where a value is that its
// type refuses. This one also continues after a mistake, to report all of them at once.
type decoder struct {
	*complaints
	// expand replaces ${NAME} in texts, unless it is nil.
	expand func(string) (string, error)
	// refused are the places of values that their type or bounds refuse. The structure of
	// the file is right there, so that the rest can still be checked.
	refused map[*token.Position]bool
}

func (d *decoder) wrong(node ast.Node, format string, args ...any) {
	at := place(node)
	d.add(at.Line, at.Column, format, args...)
}

// refuse reports a refused value.
func (d *decoder) refuse(node ast.Node, format string, args ...any) {
	if d.refused == nil {
		d.refused = map[*token.Position]bool{}
	}
	d.refused[place(node)] = true
	d.wrong(node, format, args...)
}

// place is where a node begins.
func place(node ast.Node) *token.Position {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return n.Values[0].Key.GetToken().Position
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken().Position
	}
	return node.GetToken().Position
}

var (
	dateType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	networkType  = reflect.TypeFor[netip.Prefix]()
	textReader   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (d *decoder) decode(node ast.Node, into reflect.Value) {
	switch n := node.(type) {
	case *ast.NullNode:
		return // a key without a value is like no key
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		d.wrong(n, "anchors, aliases and tags of YAML are not allowed here: write the value itself")
		return
	}
	switch {
	case into.Type() == dateType:
		d.foreign(node, into, "a date", date)
	case into.Type() == networkType:
		d.foreign(node, into, "text", network)
	case reflect.PointerTo(into.Type()).Implements(textReader):
		d.text(node, into)
	default:
		d.kind(node, into)
	}
}

func (d *decoder) kind(node ast.Node, into reflect.Value) {
	switch into.Kind() {
	case reflect.Pointer:
		value := reflect.New(into.Type().Elem())
		d.decode(node, value.Elem())
		into.Set(value)
	case reflect.Struct:
		d.structure(node, into)
	case reflect.Slice:
		d.list(node, into)
	case reflect.Map:
		d.keyed(node, into)
	case reflect.String:
		if text, ok := d.scalar(node, "text"); ok {
			into.SetString(text)
		}
	case reflect.Int:
		d.integer(node, into)
	case reflect.Float64:
		d.number(node, into)
	case reflect.Bool:
		d.truth(node, into)
	}
}

func (d *decoder) number(node ast.Node, into reflect.Value) {
	text, ok := d.scalar(node, "a number")
	if !ok {
		return
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		d.wrong(node, "expected a number, found %q", text)
	}
	into.SetFloat(value)
}

func (d *decoder) truth(node ast.Node, into reflect.Value) {
	text, ok := d.scalar(node, "true or false")
	if ok && text != "true" && text != "false" {
		d.wrong(node, "expected true or false, found %q", text)
	}
	into.SetBool(text == "true")
}

func (d *decoder) integer(node ast.Node, into reflect.Value) bool {
	text, ok := d.scalar(node, "a number")
	if !ok {
		return false
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		d.wrong(node, "expected a whole number, found %q", text)
		return false
	}
	into.SetInt(int64(value))
	return true
}

// scalar returns a value's text as it is written, whatever type YAML gives it.
func (d *decoder) scalar(node ast.Node, expected string) (string, bool) {
	var text string
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case ast.ScalarNode:
		text = n.GetToken().Value
	case *ast.MappingNode, *ast.MappingValueNode:
		d.wrong(node, "expected %s, found keys and values", expected)
		return "", false
	default:
		d.wrong(node, "expected %s, found a list", expected)
		return "", false
	}
	if d.expand != nil {
		expanded, err := d.expand(text)
		if err != nil {
			d.wrong(node, "%v", err)
			return "", false
		}
		text = expanded
	}
	return text, true
}

// foreign reads a value of a type whose own reader isn't strict enough.
func (d *decoder) foreign(node ast.Node, into reflect.Value, expected string, read func(string) (any, error)) {
	text, ok := d.scalar(node, expected)
	if !ok {
		return
	}
	value, err := read(text)
	if err != nil {
		d.refuse(node, "%v", err)
		return
	}
	into.Set(reflect.ValueOf(value))
}

func date(text string) (any, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return nil, fmt.Errorf("%q is not a date: write it as 2027-06-30", text)
}

// network reads a network, or an address as a network of one.
func network(text string) (any, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%q is neither an address nor a network such as 192.0.2.0/24", text)
	}
	return prefix, nil
}

func (d *decoder) text(node ast.Node, into reflect.Value) {
	text, ok := d.scalar(node, "text")
	if !ok {
		return
	}
	if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		d.refuse(node, "%v", err)
	}
}

func (d *decoder) keyed(node ast.Node, into reflect.Value) {
	values, ok := pairs(node)
	if !ok {
		d.wrong(node, "expected keys and values, found %s", what(node))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, v := range values {
		if _, isNull := v.Value.(*ast.NullNode); isNull {
			d.wrong(v.Key, "the key %s has no value", keyText(v))
			continue
		}
		value := reflect.New(into.Type().Elem()).Elem()
		d.decode(v.Value, value)
		into.SetMapIndex(reflect.ValueOf(keyText(v)), value)
	}
}

func (d *decoder) list(node ast.Node, into reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		if _, isMap := pairs(node); isMap && canBeOne(into.Type()) {
			list := reflect.MakeSlice(into.Type(), 1, 1)
			d.decode(node, list.Index(0))
			into.Set(list)
			return
		}
		d.wrong(node, "expected a list, found %s", what(node))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, value := range sequence.Values {
		if _, isNull := value.(*ast.NullNode); isNull {
			d.wrong(value, "an item of the list is empty")
			continue
		}
		d.decode(value, list.Index(i))
	}
	into.Set(list)
}

func (d *decoder) structure(node ast.Node, into reflect.Value) {
	values, ok := pairs(node)
	if !ok {
		d.wrong(node, "expected keys and values, found %s", what(node))
		return
	}
	known := fields(into.Type())
	for _, v := range values {
		key := keyText(v)
		index, found := known[key]
		if !found {
			d.wrong(v.Key, "there is no key %q here; %s", key, suggest.Text(key, slices.Sorted(maps.Keys(known))))
			continue
		}
		field := into.FieldByIndex(index)
		_, isNull := v.Value.(*ast.NullNode)
		if b, ok := boundsOf(into.Type().FieldByIndex(index).Tag); ok && !isNull {
			d.bounded(v.Value, b, field)
		} else {
			d.decode(v.Value, field)
		}
	}
}

// pairs returns a mapping's keys and values; a mapping of one pair is a node of its own.
func pairs(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func keyText(v *ast.MappingValueNode) string {
	if s, ok := v.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return strings.TrimSpace(v.Key.GetToken().Value)
}

func what(node ast.Node) string {
	switch n := node.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	default:
		return strconv.Quote(n.GetToken().Value)
	}
}
