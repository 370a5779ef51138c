// Command autoconfig answers the auto-configuration of mail programs, and is the
// command line to what it serves.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	_ "golang.org/x/crypto/x509roots/fallback" // in a container from scratch there is no list of authorities

	"autoconfig/clients"
)

// version is set by the linker (Makefile).
var version = "dev"

// Exit statuses: 1 is an answer ("refused", "not known", "would change"), 2 is a
// failure to answer. What Ctrl-C ended has said a part of its answer.
const (
	exitGood    = 0
	exitFinding = 1
	exitFailure = 2
	// exitRefused is a dry run's, of which 1 says that something would change.
	exitRefused = 3
	// exitInterrupted is what shells say of a program that Ctrl-C ended.
	exitInterrupted = 130
)

// errFinding ends a command with exitFinding; everything was said already.
var errFinding = errors.New("finding")

// errWouldRefuse ends a dry run with exitRefused; everything was said already.
var errWouldRefuse = errors.New("refused")

// errInterrupted ends a command that was stopped before it had said all.
var errInterrupted = errors.New("interrupted")

// refusal is an error that ends a command with exitFinding: what was asked for
// is understood, and can't be.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// cli is the whole command line.
type cli struct {
	Config string `help:"The configuration of the process: autoconfig.yaml here, else in /etc/autoconfig." default:"autoconfig.yaml" placeholder:"FILE" env:"AUTOCONFIG_CONFIG"`

	Init   initCmd   `cmd:"" group:"start" help:"Write a configuration and a site to start from."`
	Apply  applyCmd  `cmd:"" group:"start" help:"Apply a site file, all of it or nothing."`
	Serve  serveCmd  `cmd:"" group:"start" help:"Answer mail programs."`
	Ready  readyCmd  `cmd:"" group:"start" help:"Ask the running service whether it is ready."`
	Backup backupCmd `cmd:"" group:"start" help:"Write everything that is stored into one file."`

	Restore restoreCmd `cmd:"" group:"start" help:"Restore what backup wrote."`
	Secret  secretCmd  `cmd:"" group:"start" help:"Go on with another secret_file, where the old one is lost."`

	Domain  domainCmd  `cmd:"" group:"change" help:"List, show, add, change and remove domains."`
	Account accountCmd `cmd:"" group:"change" help:"List, show, add, change and remove accounts."`
	Import  importCmd  `cmd:"" group:"change" help:"Import accounts, domains and other systems' configurations."`
	Export  exportCmd  `cmd:"" group:"change" help:"Write the site as a file, or its accounts or domains as tables."`

	Explain explainCmd `cmd:"" group:"look" help:"Explain which settings an address gets, and why."`
	Render  renderCmd  `cmd:"" group:"look" help:"Print the exact answer that a program gets."`
	Trace   traceCmd   `cmd:"" group:"look" help:"Show the last requests of a domain, as the running service remembers them."`
	Source  sourceCmd  `cmd:"" group:"look" help:"List and check the sources of accounts outside of our own database."`

	DNS          dnsCmd          `cmd:"" group:"prove" name:"dns" help:"Print, compare or publish the DNS records of a domain."`
	Certificates certificatesCmd `cmd:"" group:"prove" help:"List, show, order and revoke the TLS certificates that the service gets."`
	Check        checkCmd        `cmd:"" group:"prove" help:"Check what mail programs will find: DNS, certificates, mail servers, URLs."`
	Simulate     simulateCmd     `cmd:"" group:"prove" help:"Show step by step what each mail program would do."`
	PACC         paccCmd         `cmd:"" group:"prove" name:"pacc" help:"Show and publish PACC documents."`

	Link    linkCmd    `cmd:"" group:"people" help:"Make, list, show and revoke setup links."`
	Welcome welcomeCmd `cmd:"" group:"people" help:"Send welcome messages for new mailboxes."`
	Message messageCmd `cmd:"" group:"people" help:"List and show the messages that are sent by mail."`
	Staff   staffCmd   `cmd:"" group:"people" help:"Add, list, reset and remove the people of the help desk."`
	Token   tokenCmd   `cmd:"" group:"people" help:"Make, list and revoke tokens of the API."`

	Completion completionCmd `cmd:"" group:"program" help:"Print a completion script for a shell."`
	Manual     manualCmd     `cmd:"" group:"program" help:"Print a manual page."`
	Version    versionCmd    `cmd:"" group:"program" help:"Print the version."`
}

// groups are the commands by task, in the order of --help.
var groups = []kong.Group{
	{Key: "start", Title: "Run the service:"},
	{Key: "change", Title: "Change what is served:"},
	{Key: "look", Title: "See what is decided:"},
	{Key: "prove", Title: "Publish it and check it:"},
	{Key: "people", Title: "Help people:"},
	{Key: "program", Title: "This program:"},
}

func run(ctx context.Context, args []string, std streams) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("autoconfig"),
		kong.Description("Auto-configuration for mail programs: one policy answers them all.\n\nTry it: autoconfig serve --demo"),
		kong.Vars{"simulations": strings.Join(clients.Simulations(), ",")},
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }),
		kong.ExplicitGroups(groups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.UsageOnError(),
	)
	if err != nil {
		return fail(std, err)
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		return usage(std, err)
	}
	return status(std, runCommand(command, &call{Context: ctx, std: std, configFile: located(c.Config)}))
}

// runCommand runs a command. One that asks for the site gets it opened.
func runCommand(command *kong.Context, c *call) error {
	var app *application
	defer func() {
		if app != nil {
			app.close()
		}
	}()
	err := command.BindToProvider(func() (_ *application, err error) {
		if d, ok := command.Selected().Target.Interface().(interface{ isDemo() bool }); ok && d.isDemo() {
			app, err = openDemo(c)
		} else {
			app, err = openSite(c)
		}
		return app, err
	})
	if err != nil {
		return err
	}
	return command.Run(c)
}

// call is what every command gets.
type call struct {
	context.Context
	std        streams
	configFile string
}

func status(std streams, err error) int {
	var refused refusal
	switch {
	case err == nil:
		return exitGood
	case errors.Is(err, errFinding):
		return exitFinding
	case errors.Is(err, errWouldRefuse):
		return exitRefused
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(std.err, "autoconfig:", err)
		return exitInterrupted
	case errors.As(err, &refused), isRefusal(err):
		fmt.Fprintln(std.err, "autoconfig:", err)
		return exitFinding
	default:
		return fail(std, err)
	}
}

func fail(std streams, err error) int {
	fmt.Fprintln(std.err, "autoconfig:", err)
	return exitFailure
}

func usage(std streams, err error) int {
	fmt.Fprintf(std.err, "autoconfig: %v\nSee: autoconfig --help\n", err)
	return exitFailure
}
