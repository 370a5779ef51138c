package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// find follows a path like plans[0].servers.imap[1].port as far as the file has it, and
// returns the node there: the value, or what is nearest around it.
func find(node ast.Node, path string) ast.Node {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for _, step := range steps {
		next := child(node, step)
		if next == nil {
			if _, err := strconv.Atoi(step); err == nil {
				continue // a single server, written without a list
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
