package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"autoconfig/internal/config"
)

type manualCmd struct {
	Page string `arg:"" optional:"" enum:"autoconfig,autoconfig.yaml" default:"autoconfig" help:"autoconfig (section 1) or autoconfig.yaml (section 5)."`
}

func (manualCmd) Help() string {
	return `Prints a manual page, for man to read. The packages install both.

Examples:
  autoconfig manual | man -l -
  autoconfig manual autoconfig.yaml > autoconfig.yaml.5`
}

// Run prints a manual page, made from the description of the command line, or of the
// configuration.
func (m *manualCmd) Run(c *call, k *kong.Context) error {
	page := configurationManual()
	if m.Page == "autoconfig" {
		page = commandManual(k.Model.Node)
	}
	_, err := io.WriteString(c.std.out, page)
	return err
}

// roff escapes text for a manual page (groff_man(7)).
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") { // else it is a request
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func manualHead(page string, section int, about string) string {
	return fmt.Sprintf(".TH %s %d \"\" %s\n.SH NAME\n%s \\- %s\n", strings.ToUpper(roff(page)), section, roff(`"autoconfig `+version+`"`), roff(page), roff(about))
}

func commandManual(root *kong.Node) string {
	var b strings.Builder
	b.WriteString(manualHead("autoconfig", 1, "auto-configuration for mail programs"))
	b.WriteString(".SH SYNOPSIS\n.B autoconfig\n[\\fB\\-\\-config\\fR \\fIFILE\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n")
	b.WriteString(roff("autoconfig answers Thunderbird's autoconfig, Outlook's Autodiscover and Apple's configuration profiles over HTTP, "+
		"with IMAP or POP3 settings that a policy decides for each account. The same program is the command line to what it serves.") + "\n")
	b.WriteString(".SH OPTIONS\n")
	manualFlags(&b, root.Flags)
	b.WriteString(".SH COMMANDS\n")
	for _, command := range root.Leaves(true) {
		b.WriteString(".SS " + roff(strings.TrimPrefix(command.FullPath(), "autoconfig ")) + "\n" + roff(command.Help) + "\n")
		if detail := strings.TrimSpace(command.Detail); detail != "" {
			b.WriteString(".PP\n.nf\n" + roff(detail) + "\n.fi\n")
		}
		for _, argument := range command.Positional {
			b.WriteString(".TP\n\\fI" + roff(argument.Name) + "\\fR\n" + roff(argument.Help) + "\n")
		}
		manualFlags(&b, command.Flags)
	}
	b.WriteString(`.SH EXIT STATUS
.TP
0
done
.TP
1
an answer that says no: refused, not known, found something; of \-\-dry\-run: something would change
.TP
2
a failure
.TP
3
of \-\-dry\-run: it would be refused
.TP
130
interrupted
.SH ENVIRONMENT
.TP
AUTOCONFIG_CONFIG
the configuration, in place of \-\-config
.SH FILES
.TP
autoconfig.yaml
the configuration, in the current folder; without one, /etc/autoconfig/autoconfig.yaml
.TP
site.yaml
what is served, beside the configuration
.SH SEE ALSO
autoconfig.yaml(5)
`)
	return b.String()
}

func manualFlags(b *strings.Builder, flags []*kong.Flag) {
	for _, flag := range flags {
		if !flag.Hidden {
			b.WriteString(".TP\n\\fB" + roff(flag.String()) + "\\fR\n" + roff(flag.Help) + "\n")
		}
	}
}

func configurationManual() string {
	var b strings.Builder
	b.WriteString(manualHead("autoconfig.yaml", 5, "configuration of autoconfig, and the site that it serves"))
	b.WriteString(".SH DESCRIPTION\n" + roff("autoconfig.yaml says how the process runs, site.yaml what it serves. Both are strict: an unknown key or a wrong "+
		"value is refused with file, line and column. ${NAME} in a value of autoconfig.yaml is replaced by an environment variable, and $${ by ${. "+
		"Files are relative to the folder of the configuration.") + "\n.SH AUTOCONFIG.YAML\n")
	manualKeys(&b, config.ProcessKeys())
	b.WriteString(".SH SITE.YAML\n" + roff("The keys of a plan may be set on a domain as well, which takes precedence. [] after a key means a list.") + "\n")
	manualKeys(&b, config.SiteKeys())
	b.WriteString(".SH SEE ALSO\nautoconfig(1)\n")
	return b.String()
}

func manualKeys(b *strings.Builder, keys []config.Key) {
	for _, key := range keys {
		b.WriteString(".TP\n\\fB" + roff(key.Path) + "\\fR (" + roff(key.Type))
		if key.Default != "" {
			b.WriteString("; default " + roff(key.Default))
		}
		b.WriteString(")\n" + roff(key.Doc) + "\n")
	}
}
