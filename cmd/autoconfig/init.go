package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"autoconfig/internal/config"
	"autoconfig/settings"
)

type initCmd struct {
	Dir          string `help:"The folder to write to." default:"."`
	State        string `help:"The folder for the database and the secret, if that is another one." placeholder:"DIR"`
	Domain       string `help:"Your mail domain."`
	Provider     string `help:"The name to show to people; by default the domain."`
	IMAP         string `name:"imap" help:"IMAP server HOST[:PORT][/tls|starttls]; \"none\" for none." placeholder:"SERVER"`
	POP3         string `name:"pop3" help:"POP3 server, likewise." placeholder:"SERVER"`
	SMTP         string `name:"smtp" help:"Submission server, likewise." placeholder:"SERVER"`
	PublicURL    string `name:"public-url" help:"The URL at which this service is reached from outside." placeholder:"URL"`
	Certificates string `help:"Who gets certificates for customers' names: acme (this service, from Let's Encrypt) or proxy (one in front has them)." enum:"acme,proxy," default:"" placeholder:"acme|proxy"`
	AgreeToTerms bool   `help:"You agree to Let's Encrypt's terms, https://letsencrypt.org/repository/."`
	Offline      bool   `help:"Don't look for the domain's mail servers, to offer them."`
	resolverFlag
}

func (i *initCmd) Help() string {
	return `Writes autoconfig.yaml (the process), site.yaml (what it serves) and the secret that
keys derive from. It asks for whatever the flags don't give, and overwrites no
file.

It offers the servers that it finds by the domain's SRV and MX records and under the
usual names, if the port is open and the certificate matches the name. If a server
answers but something is wrong with it, it says what.

Examples:
  autoconfig init
  autoconfig init --domain example.org --imap mail.example.org --pop3 none --smtp mail.example.org --public-url https://autoconfig.example.org
  autoconfig init --certificates acme --agree-to-terms`
}

func (i *initCmd) Run(c *call) error {
	ask := asker{c: c, lines: bufio.NewScanner(c.std.in)}
	name := ask.right("Your mail domain", i.Domain, "", isDomain)
	if ask.err != nil {
		return ask.err
	}
	name, err := parseDomain(name)
	if err != nil {
		return err
	}
	values := starter{Domain: name, Provider: i.Provider}
	if i.Domain != "" && i.Provider == "" { // by flags: what the help says
		values.Provider = name
	}
	values.Provider = ask.right("Name to show to people", values.Provider, name, settings.CheckText)
	offer := i.offers(c, &ask, name)
	imap := ask.right("IMAP server (HOST[:PORT][/tls|starttls], or none)", i.IMAP, offer[settings.IMAP], isServer(settings.IMAP))
	pop3 := ask.right("POP3 server (likewise)", i.POP3, offer[settings.POP3], isServer(settings.POP3))
	smtp := ask.right("Submission server (likewise)", i.SMTP, offer[settings.SMTP], isServer(settings.SMTP))
	values.PublicURL = ask.right("Where this service is reached from outside", i.PublicURL, "https://autoconfig."+name, isPublicURL)
	values.ACME = i.certificates(&ask)
	if ask.err != nil {
		return ask.err
	}
	if values.Servers, err = starterServers(imap, pop3, smtp); err != nil {
		return err
	}
	return values.write(c, i.Dir, i.State)
}

// certificates asks who gets them, unless flags have answered everything else: then it is a
// proxy, as it was before there was the question.
func (i *initCmd) certificates(ask *asker) (acme bool) {
	if i.Certificates == "" && !ask.asked && !i.AgreeToTerms {
		return false
	}
	const question = "Who gets the certificates: acme (this service, from Let's Encrypt) or proxy (one in front has them)"
	given := i.Certificates
	if given == "" && i.AgreeToTerms {
		given = acmeWay
	}
	if ask.right(question, given, proxyWay, isWay) != acmeWay {
		return false
	}
	given = ""
	if i.AgreeToTerms {
		given = "yes"
	}
	ask.right("Do you agree to Let's Encrypt's terms, https://letsencrypt.org/repository/ (yes)", given, "", isAgreement)
	return true
}

const (
	acmeWay  = "acme"
	proxyWay = "proxy"
)

func isWay(text string) error {
	if text != acmeWay && text != proxyWay {
		return fmt.Errorf("%q is neither acme nor proxy", text)
	}
	return nil
}

func isAgreement(text string) error {
	if text != "yes" {
		return errors.New("without your agreement Let's Encrypt issues nothing: type yes, or Ctrl-C and start again with proxy")
	}
	return nil
}

func isDomain(text string) error {
	_, err := parseDomain(text)
	return err
}

// isServer judges a server as the site file's reader does.
func isServer(protocol settings.Protocol) func(text string) error {
	return func(text string) error {
		servers, err := parseServers([]string{text})
		for _, server := range servers {
			for _, p := range server.Normalize(protocol).Check(protocol, "").Errors() {
				return errors.New(p.Text)
			}
		}
		return err
	}
}

func isPublicURL(text string) error {
	var u config.BaseURL
	return u.UnmarshalText([]byte(text))
}

// asker asks for what isn't given by a flag.
type asker struct {
	c     *call
	lines *bufio.Scanner
	asked bool // whether flags left a question open
	err   error
}

// right asks until the answer is one that can be used. What a flag gives is judged with
// the files that are made of it.
func (a *asker) right(question, given, otherwise string, judge func(string) error) string {
	for {
		text := a.answer(question, given, otherwise)
		if given != "" || a.err != nil {
			return text
		}
		err := judge(text)
		if err == nil {
			return text
		}
		fmt.Fprintf(a.c.std.err, "%v. Once more:\n", err)
	}
}

func (a *asker) answer(question, given, otherwise string) string {
	if given != "" || a.err != nil {
		return given
	}
	a.asked = true
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(a.c.std.err, question+": ")
	if !a.lines.Scan() {
		a.err = errors.Join(fmt.Errorf("no answer to %q; give it by a flag: autoconfig init --help", question), a.lines.Err())
		return ""
	}
	if answer := strings.TrimSpace(a.lines.Text()); answer != "" {
		return answer
	}
	return otherwise
}
