package doctor

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

func isConfig(body []byte) bool {
	_, err := thunderbird.Parse(body)
	return err == nil
}

// readConfig judges an autoconfig document.
func (c *check) readConfig(p probe.Page) *offered {
	config, err := thunderbird.Parse(p.Body)
	if err != nil {
		c.report(Finding{Code: ConfigUnreadable, Subject: p.Asked, Seen: err.Error()})
		return nil
	}
	c.judgeConfig(p.Asked, config)
	c.asProgramsRead(p)
	if len(config.Incoming) == 0 || len(config.Outgoing) == 0 {
		c.report(Finding{
			Code: ConfigUnreadable, Subject: p.Asked,
			Seen:     fmt.Sprintf("%d incoming and %d outgoing servers", len(config.Incoming), len(config.Outgoing)),
			Expected: "one of each",
		})
		return nil
	}
	in, out := config.Incoming[0], config.Outgoing[0]
	return &offered{p.Asked, settings.Protocol(in.Type), in.Hostname + ":" + in.Port, out.Hostname + ":" + out.Port}
}

var socketTypes = []string{"SSL", "STARTTLS", "plain"}

// judgeConfig looks for what measurements of the wild found.
func (c *check) judgeConfig(url string, config *thunderbird.Config) {
	secure := false
	for _, s := range append(slices.Clone(config.Incoming), config.Outgoing...) {
		if s.Hostname == "" {
			continue // a service with a URL
		}
		for _, kind := range s.SocketTypes {
			secure = secure || kind == "SSL" || kind == "STARTTLS"
			if !slices.Contains(socketTypes, kind) {
				c.report(Finding{
					Code: ConfigValue, Subject: url,
					Seen: "socketType " + kind, Expected: strings.Join(socketTypes, ", "),
				})
			}
		}
		for _, value := range []string{s.Hostname, s.Port, s.Username} {
			if template(value) {
				c.report(Finding{Code: ConfigValue, Subject: url, Seen: value, Expected: "a value, or %EMAILADDRESS%"})
			}
		}
	}
	if !secure {
		c.report(Finding{Code: ConfigPlaintext, Subject: url, Seen: "no server with SSL or STARTTLS"})
	}
	for i, s := range config.Incoming {
		better := slices.ContainsFunc(config.Incoming[i+1:], func(o thunderbird.Server) bool { return o.Type == s.Type && slices.Contains(o.SocketTypes, "SSL") })
		if better && !slices.Contains(s.SocketTypes, "SSL") {
			c.report(Finding{
				Code: ConfigOrder, Subject: url,
				Seen: fmt.Sprintf("%s:%s with %s before one with SSL", s.Hostname, s.Port, strings.Join(s.SocketTypes, ", ")),
			})
		}
	}
}

// template tells whether a value is one that somebody forgot to fill in.
func template(value string) bool {
	for _, sign := range []string{"{{", "}}", "${", "<?", "%(", "$DOMAIN", "@@"} {
		if strings.Contains(value, sign) {
			return true
		}
	}
	return false
}

func isPOX(body []byte) bool {
	_, err := autodiscover.ParseResponse(body)
	return err == nil
}

// readPOX judges an answer of Autodiscover.
func (c *check) readPOX(p probe.Page) *offered {
	reply, err := autodiscover.ParseResponse(p.Body)
	if err != nil {
		c.report(Finding{Code: ConfigUnreadable, Subject: p.Asked, Seen: err.Error()})
		return nil
	}
	if reply.Error != nil {
		if c.plan != nil {
			c.report(Finding{
				Code: HTTPStatus, Subject: p.Asked,
				Seen: "Autodiscover error " + reply.Error.Code.String(), Expected: "settings",
			})
		}
		return nil
	}
	c.asThunderbirdDiscovers(p)
	o := offered{url: p.Asked}
	for _, protocol := range reply.Protocols {
		c.judgeProtocol(p.Asked, protocol)
		at := protocol.Server + ":" + protocol.Port
		switch kind := settings.Protocol(strings.ToLower(protocol.Type)); {
		case kind == settings.SMTP && o.outgoing == "":
			o.outgoing = at
		case (kind == settings.IMAP || kind == settings.POP3) && o.incoming == "":
			o.protocol, o.incoming = kind, at
		}
	}
	if o.incoming == "" {
		return nil // Exchange, or a redirect
	}
	return &o
}

func (c *check) judgeProtocol(url string, p autodiscover.Protocol) {
	if !slices.Contains([]string{"IMAP", "POP3", "SMTP"}, p.Type) {
		return
	}
	ssl, encryption := strings.ToLower(p.SSL), strings.ToLower(p.Encryption)
	at := p.Type + " " + p.Server + ":" + p.Port
	if !slices.Contains([]string{"", "on", "off"}, ssl) {
		c.report(Finding{Code: ConfigValue, Subject: url, Seen: at + ", SSL " + p.SSL, Expected: "on"})
	}
	if !slices.Contains([]string{"", "none", "ssl", "tls", "auto"}, encryption) {
		c.report(Finding{Code: ConfigValue, Subject: url, Seen: at + ", Encryption " + p.Encryption, Expected: "SSL or TLS"})
	}
	if ssl == "off" && encryption != "" && encryption != "none" {
		c.report(Finding{
			Code: ConfigEncryption, Subject: url,
			Seen: at + ", SSL off with Encryption " + p.Encryption, Expected: "SSL on",
		})
	}
	if ssl == "off" && (encryption == "" || encryption == "none") {
		c.report(Finding{Code: ConfigPlaintext, Subject: url, Seen: at + ", SSL off"})
	}
	for _, value := range []string{p.Server, p.LoginName} {
		// Outlook has no placeholders.
		if template(value) || placeholder.MatchString(value) {
			c.report(Finding{Code: ConfigValue, Subject: url, Seen: value, Expected: "a value"})
		}
	}
}
