package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCmd) Help() string {
	return `Prints a script that completes commands, flags and their values. The packages install
it for all three shells.

Examples:
  autoconfig completion bash > /etc/bash_completion.d/autoconfig
  autoconfig completion zsh > "${fpath[1]}/_autoconfig"
  autoconfig completion fish > ~/.config/fish/completions/autoconfig.fish`
}

// Run prints the script for a shell, made from the command line's own description.
func (s *completionCmd) Run(c *call, k *kong.Context) error {
	table := completions(k.Model.Node)
	script := fishCompletion
	switch s.Shell {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	}
	_, err := io.WriteString(c.std.out, script(table))
	return err
}

// completion is what may follow a command.
type completion struct {
	// path is the command's words, "" for the program itself.
	path     string
	commands []choice
	flags    []flagChoice
}

type choice struct{ word, help string }

type flagChoice struct {
	choice
	// takes says that a value follows; values are the only ones, if there are few.
	takes  bool
	values []string
}

// completions lists all commands, each before those below it.
func completions(node *kong.Node) []completion {
	here := completion{path: strings.TrimPrefix(commandPath(node), "autoconfig")}
	here.path = strings.TrimSpace(here.path)
	var below []completion
	for _, child := range shownChildren(node) {
		here.commands = append(here.commands, choice{child.Name, firstSentence(child.Help)})
		below = append(below, completions(child)...)
	}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			f := flagChoice{choice: choice{"--" + flag.Name, firstSentence(flag.Help)}, takes: !flag.IsBool()}
			if flag.Enum != "" {
				f.values = slices.DeleteFunc(strings.Split(flag.Enum, ","), func(v string) bool { return v == "" })
			}
			here.flags = append(here.flags, f)
		}
	}
	return append([]completion{here}, below...)
}

func shownChildren(node *kong.Node) []*kong.Node {
	return slices.DeleteFunc(slices.Clone(node.Children), func(child *kong.Node) bool { return child.Hidden })
}

// commandPath is how a command is called, without its arguments.
func commandPath(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return commandPath(node.Parent) + " " + node.Name
}

func firstSentence(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(strings.TrimSpace(first), ".")
}

// bashCompletion follows the words before the cursor to the command, then offers what may
// follow. File names complete as usual where nothing else fits.
func bashCompletion(table []completion) string {
	var b strings.Builder
	b.WriteString(`# bash completion for autoconfig
_autoconfig() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= word i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case "$path $word" in
`)
	for _, c := range table[1:] {
		parent, word := splitLast(c.path)
		fmt.Fprintf(&b, "\t\t%q) path=%q ;;\n", parent+" "+word, c.path)
	}
	b.WriteString("\t\tesac\n\tdone\n\tlocal words=\n\tcase \"$path:$previous\" in\n")
	for _, c := range table {
		for _, f := range c.flags {
			if len(f.values) > 0 {
				fmt.Fprintf(&b, "\t%q) words=%q ;;\n", c.path+":"+f.word, strings.Join(f.values, " "))
			} else if f.takes {
				fmt.Fprintf(&b, "\t%q) return ;;\n", c.path+":"+f.word)
			}
		}
	}
	b.WriteString("\t*)\n\t\tcase \"$path\" in\n")
	for _, c := range table {
		words := make([]string, 0, len(c.commands)+len(c.flags))
		for _, command := range c.commands {
			words = append(words, command.word)
		}
		for _, f := range c.flags {
			words = append(words, f.word)
		}
		fmt.Fprintf(&b, "\t\t%q) words=%q ;;\n", c.path, strings.Join(words, " "))
	}
	b.WriteString(`		esac ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _autoconfig autoconfig
`)
	return b.String()
}

func splitLast(path string) (before, last string) {
	if i := strings.LastIndex(path, " "); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

func zshCompletion(table []completion) string {
	quote := func(text string) string {
		return strings.NewReplacer(`'`, `'\''`, `:`, `\:`, `[`, `(`, `]`, `)`).Replace(text)
	}
	var b strings.Builder
	b.WriteString("#compdef autoconfig\n# zsh completion for autoconfig\n_autoconfig() {\n\tlocal path= word\n\tlocal -a choices\n" +
		"\tfor word in ${words[2,CURRENT-1]}; do\n\t\tcase \"$path $word\" in\n")
	for _, c := range table[1:] {
		parent, word := splitLast(c.path)
		fmt.Fprintf(&b, "\t\t%q) path=%q ;;\n", parent+" "+word, c.path)
	}
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$path\" in\n")
	for _, c := range table {
		fmt.Fprintf(&b, "\t%q)\n\t\tchoices=(", c.path)
		for _, command := range c.commands {
			fmt.Fprintf(&b, "\n\t\t\t'%s:%s'", quote(command.word), quote(command.help))
		}
		b.WriteString(")\n\t\t(( $#choices )) && _describe command choices\n\t\t_arguments \\\n")
		for _, f := range c.flags {
			value := ""
			if len(f.values) > 0 {
				value = ":value:(" + strings.Join(f.values, " ") + ")"
			} else if f.takes {
				value = ":value:_files"
			}
			fmt.Fprintf(&b, "\t\t\t'%s[%s]%s' \\\n", f.word, quote(f.help), value)
		}
		b.WriteString("\t\t\t'*:file:_files' ;;\n")
	}
	b.WriteString("\tesac\n}\n_autoconfig \"$@\"\n")
	return b.String()
}

func fishCompletion(table []completion) string {
	quote := func(text string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) }
	var b strings.Builder
	b.WriteString("# fish completion for autoconfig\n")
	for _, c := range table {
		when := "__fish_use_subcommand"
		if c.path != "" {
			when = "__fish_seen_subcommand_from " + strings.ReplaceAll(c.path, " ", "; and __fish_seen_subcommand_from ")
		}
		for _, command := range c.commands {
			fmt.Fprintf(&b, "complete -c autoconfig -n '%s' -a %s -d '%s'\n", when, command.word, quote(command.help))
		}
		for _, f := range c.flags {
			value := ""
			if len(f.values) > 0 {
				value = " -xa '" + strings.Join(f.values, " ") + "'"
			} else if f.takes {
				value = " -r"
			}
			fmt.Fprintf(&b, "complete -c autoconfig -n '%s' -l %s%s -d '%s'\n", when, strings.TrimPrefix(f.word, "--"), value, quote(f.help))
		}
	}
	return b.String()
}
