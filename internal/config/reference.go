package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Key is a key of a file, for the reference.
type Key struct {
	Path, Type, Default, Doc string
}

// WriteReference writes docs/configuration.md.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration reference\n\n" +
		"Generated from the code (`go test ./internal/config -run Reference -update`); a test fails when it differs.\n" +
		"Both files are strict: an unknown key or a wrong value is refused with its place.\n\n" +
		"## The process: `autoconfig.yaml`\n\n" +
		"`${NAME}` in a value stands for an environment variable, `$${` for a literal `${`. Files are relative to\n" +
		"the folder of the configuration.\n\n")
	table(&b, ProcessKeys(), true)
	b.WriteString("\n## A site: `site.yaml`\n\n" +
		"The keys of a plan may stand on a domain as well; what a domain says outranks its plan. A key that is\n" +
		"left out says nothing. `[]` after a key means a list of them.\n\n")
	table(&b, SiteKeys(), false)
	_, err := io.WriteString(w, b.String())
	return err
}

func table(b *strings.Builder, keys []Key, defaults bool) {
	if defaults {
		b.WriteString("| Key | Type | Default | Meaning |\n|---|---|---|---|\n")
	} else {
		b.WriteString("| Key | Type | Meaning |\n|---|---|---|\n")
	}
	for _, k := range keys {
		if defaults {
			value := ""
			if k.Default != "" {
				value = "`" + k.Default + "`"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Path, k.Type, value, k.Doc)
		} else {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.Path, k.Type, k.Doc)
		}
	}
}

// ProcessKeys returns the keys of autoconfig.yaml.
func ProcessKeys() []Key { return keys("", reflect.ValueOf(Defaults())) }

// SiteKeys returns the keys of a site. Those of an offer are listed at plans only.
func SiteKeys() []Key {
	var all []Key
	for _, k := range keys("", reflect.ValueOf(policy.Site{})) {
		if offer, found := strings.CutPrefix(k.Path, "domains[]."); found && isOfferKey(offer) {
			continue
		}
		all = append(all, k)
	}
	return all
}

func isOfferKey(path string) bool {
	first, _, _ := strings.Cut(path, ".")
	first, _, _ = strings.Cut(first, "[")
	_, found := fields(reflect.TypeFor[policy.Offer]())[first]
	return found
}

func keys(prefix string, value reflect.Value) []Key {
	var all []Key
	for f := range yamlFields(value.Type()) {
		field := value.FieldByIndex(f.index)
		t := f.field.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
			field = reflect.Zero(t)
		}
		key := Key{Path: prefix + f.key, Type: typeName(t), Doc: f.field.Tag.Get("doc")}
		if b, ok := boundsOf(f.field.Tag); ok {
			key.Doc += " (" + b.String() + ")"
		}
		switch {
		case field.IsZero() && t != reflect.TypeFor[LogLevel](), isStruct(t): // 0 is a level
		case t == durationType:
			key.Default = durationText(time.Duration(field.Int()))
		default:
			key.Default = fmt.Sprint(field.Interface())
		}
		all = append(all, key)
		switch {
		case isList(t):
			all = append(all, keys(key.Path+"[].", reflect.Zero(t.Elem()))...)
		case isStruct(t):
			all = append(all, keys(key.Path+".", field)...)
		}
	}
	return all
}

func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != dateType && !reflect.PointerTo(t).Implements(textReader)
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && isStruct(t.Elem()) }

func typeName(t reflect.Type) string {
	switch t {
	case dateType:
		return "date"
	case durationType:
		return "time"
	case reflect.TypeFor[settings.Address]():
		return "address"
	case reflect.TypeFor[policy.Bytes]():
		return "size"
	case reflect.TypeFor[policy.ServerList]():
		return "server or list"
	}
	if reflect.PointerTo(t).Implements(textReader) {
		return "text"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "keys and values"
	case reflect.Int, reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}
