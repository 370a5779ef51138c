package config

import (
	"reflect"
	"strings"

	"autoconfig/policy"
)

// fields returns the index of the field for each key of a struct, including the keys of
// inlined structs.
func fields(t reflect.Type) map[string][]int {
	keys := map[string][]int{}
	for f := range yamlFields(t) {
		keys[f.key] = f.index
	}
	return keys
}

type yamlField struct {
	key   string
	index []int
	field reflect.StructField
}

// yamlFields yields the fields in their order.
func yamlFields(t reflect.Type) func(yield func(yamlField) bool) {
	return func(yield func(yamlField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case key == "-" || !f.IsExported():
			case strings.Contains(options, "inline"):
				for inner := range yamlFields(f.Type) {
					inner.index = append([]int{i}, inner.index...)
					if !yield(inner) {
						return
					}
				}
			case key != "":
				if !yield(yamlField{key, []int{i}, f}) {
					return
				}
			}
		}
	}
}

// canBeOne reports whether a list may be written as a single item, as a list of servers may.
func canBeOne(t reflect.Type) bool { return t == reflect.TypeFor[policy.ServerList]() }
