package config

import (
	"reflect"
	"slices"
	"strings"

	"autoconfig/policy"
)

// fields are a struct's keys with the index of their field; those of an inlined
// struct are its own.
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

// yamlFields goes through the fields in their order.
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

// canBeOne: a list of servers may be written as one server.
func canBeOne(t reflect.Type) bool { return t == reflect.TypeFor[policy.ServerList]() }

// suggest names the key that was probably meant.
func suggest(key string, known map[string][]int) string {
	best, distance := "", 3
	var all []string
	for k := range known {
		all = append(all, k)
	}
	slices.Sort(all)
	for _, k := range all {
		if d := editDistance(strings.ToLower(key), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; possible are " + strings.Join(all, ", ")
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
