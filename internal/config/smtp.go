package config

import (
	"fmt"
	"time"

	"autoconfig/settings"
)

// SMTP is the operator's mail server, which sends our messages.
type SMTP struct {
	Host     string       `yaml:"host" doc:"mail server by which setup links and welcome messages are sent; without it, none are sent"`
	Port     int          `yaml:"port" min:"1" max:"65535" unit:"as a port" doc:"its port; by default 465 with tls, 587 with starttls, 25 with none"`
	Security SMTPSecurity `yaml:"security" doc:"tls (implicit TLS), starttls, or none for a server on this machine; its certificate is always verified"`
	CA       string       `yaml:"ca" doc:"PEM file with the authorities that vouch for the server; by default the machine's"`
	Username string       `yaml:"username" doc:"login at the server; without it, nobody signs in"`
	Password string       `yaml:"password_file" doc:"file whose first line is the password"`
	// From has no name: the provider's is used.
	From    MailAddress `yaml:"from" doc:"sender's address, to which refused messages come back; its name is the provider's"`
	ReplyTo MailAddress `yaml:"reply_to" doc:"where answers go; by default the provider's support_email"`
	// PerPerson and PerToken bound the damage of a stolen session or token.
	PerPerson    int           `yaml:"per_person" min:"1" max:"100000" unit:"messages" doc:"messages that one person of the help desk can send in an hour"`
	PerToken     int           `yaml:"per_token" min:"1" max:"100000" unit:"messages" doc:"messages that one token can send in an hour"`
	PerRecipient int           `yaml:"per_recipient" min:"1" max:"1000" unit:"messages" doc:"messages that one address gets in a day"`
	GiveUp       time.Duration `yaml:"give_up" min:"1m" max:"120h" doc:"how long sending is tried again"`
}

// IsGiven reports whether messages are sent.
func (s SMTP) IsGiven() bool { return s.Host != "" }

// EffectivePort returns the port, or the default for the security.
func (s SMTP) EffectivePort() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Security == SMTPStartTLS:
		return 587
	case s.Security == SMTPNone:
		return 25
	}
	return 465
}

// SMTPSecurity is how the connection to the mail server is secured.
type SMTPSecurity string

// The kinds.
const (
	SMTPTLS      SMTPSecurity = "tls"
	SMTPStartTLS SMTPSecurity = "starttls"
	SMTPNone     SMTPSecurity = "none"
)

// UnmarshalText parses one.
func (s *SMTPSecurity) UnmarshalText(text []byte) error {
	if *s = SMTPSecurity(text); *s != SMTPTLS && *s != SMTPStartTLS && *s != SMTPNone {
		return fmt.Errorf("%q is not a kind of security: use tls, starttls or none", text)
	}
	return nil
}

// MailAddress is a mail address without a name. "" is none.
type MailAddress string

// UnmarshalText parses an address; "" is none.
func (m *MailAddress) UnmarshalText(text []byte) error {
	if *m = MailAddress(text); *m == "" { // set first, so that keys that depend on it aren't refused too
		return nil
	}
	a, err := settings.ParseAddress(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a mail address: write it alone, such as noreply@example.com", text)
	}
	*m = MailAddress(a.String())
	return nil
}

func (s SMTP) check(wrong complain) {
	if !s.IsGiven() {
		if s.From != "" || s.Username != "" || s.Password != "" {
			wrong("smtp", "smtp needs a host: the mail server by which messages are sent")
		}
		return
	}
	if !hostName.MatchString(s.Host) && !isLoopback(s.Host) {
		wrong("smtp.host", "%q is not a host's name: write it without a port, such as smtp.example.com", s.Host)
	}
	if s.Security == SMTPNone && !isLoopback(s.Host) {
		wrong("smtp.security", "only a server on this machine (localhost, 127.0.0.1, ::1) may be reached without TLS; "+
			"use tls or starttls")
	}
	if s.Security == SMTPNone && s.Username != "" {
		wrong("smtp.username", "a password isn't sent without TLS; use tls or starttls, or remove username")
	}
	if (s.Username == "") != (s.Password == "") {
		wrong("smtp", "username and password_file need each other")
	}
	if s.From == "" {
		wrong("smtp", "smtp needs from: the address that messages come from, such as noreply@example.com")
	}
}
