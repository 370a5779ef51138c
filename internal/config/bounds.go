package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// bounds are the limits of a number or a duration, from the tags of its field:
//
//	min, max  the bounds, as they are written in the file; no max is no bound
//	unit      what a number counts, for the message
//	zero      what 0 means, if it is allowed although it is less than min
type bounds struct{ min, max, unit, zero string }

func boundsOf(tag reflect.StructTag) (b bounds, found bool) {
	b = bounds{tag.Get("min"), tag.Get("max"), tag.Get("unit"), tag.Get("zero")}
	return b, b.min != ""
}

// String describes the permitted values: "1 to 100", or "1m or more, or 0 for never".
func (b bounds) String() string {
	text := b.min + " or more"
	if b.max != "" {
		text = b.min + " to " + b.max
	}
	if b.zero != "" {
		text += ", or 0 for " + b.zero
	}
	return text
}

// bounded reads a number or a duration.
func (d *decoder) bounded(node ast.Node, b bounds, into reflect.Value) {
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	if into.Type() == durationType {
		d.duration(node, b, into)
		return
	}
	if d.integer(node, into) && !within(b, into.Int(), count) {
		d.refuse(node, "%d %s is not valid: use %s", into.Int(), b.unit, b)
	}
}

func (d *decoder) duration(node ast.Node, b bounds, into reflect.Value) {
	text, ok := d.scalar(node, "a duration")
	if !ok {
		return
	}
	value, err := time.ParseDuration(text)
	if err != nil || !within(b, value, duration) {
		d.refuse(node, "%q is not valid: use a duration of %s", text, b)
	}
	into.SetInt(int64(value))
}

func within[T int64 | time.Duration](b bounds, value T, read func(string) T) bool {
	return value >= read(b.min) && (b.max == "" || value <= read(b.max)) || value == 0 && b.zero != ""
}

// count and duration parse bounds, which are ours: a test reads them all.
func count(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func duration(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// durationText writes a duration as people do: 24h, not 24h0m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
