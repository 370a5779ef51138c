package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// find follows a path like plans[0].servers.imap[1].port as far as it goes, and
// gives the node where it ends: the value, or the nearest thing around it that is
// in the file.
func find(node ast.Node, path string) ast.Node {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for _, step := range steps {
		next := child(node, step)
		if next == nil {
			if _, err := strconv.Atoi(step); err == nil {
				continue // one server, written without a list
			}
			return node
		}
		node = next
	}
	return node
}

func child(node ast.Node, step string) ast.Node {
	if list, ok := node.(*ast.SequenceNode); ok {
		if i, err := strconv.Atoi(step); err == nil && i < len(list.Values) {
			return list.Values[i]
		}
		return nil
	}
	values, _ := pairs(node)
	for _, v := range values {
		if keyText(v) == step {
			if _, isNull := v.Value.(*ast.NullNode); isNull {
				return v.Key
			}
			return v.Value
		}
	}
	return nil
}
