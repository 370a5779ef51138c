package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// isConfig reports whether a page is meant as an autoconfig document.
func isConfig(body []byte) bool { return bytes.Contains(bytes.ToLower(body), []byte("<clientconfig")) }

// readConfig judges an autoconfig document by itself and by what each program reads in it.
func (c *check) readConfig(p probe.Page) *place {
	pl := c.readByAll(autoconfigPlace, p)
	config, err := thunderbird.Parse(p.Body)
	if err != nil {
		c.unparsed(pl, err)
		return pl
	}
	pl.imap = slices.ContainsFunc(config.Incoming, func(s thunderbird.Server) bool {
		return strings.EqualFold(strings.TrimSpace(s.Type), "imap")
	})
	for _, s := range config.Incoming {
		pl.hosts = append(pl.hosts, strings.ToLower(s.Hostname))
	}
	refused := c.refusals(pl)
	values := c.judgeConfig(p.Asked, config)
	if len(config.Incoming) == 0 || len(config.Outgoing) == 0 {
		seen := fmt.Sprintf("%d incoming and %d outgoing servers", len(config.Incoming), len(config.Outgoing))
		if len(refused) > 0 {
			seen += noAccountIn + namesOf(refused) + ")"
		}
		values = append(values, Finding{Code: ConfigUnreadable, Subject: p.Asked, Seen: seen, Expected: "one of each"})
		refused = nil
	}
	c.reportRefusals(p.Asked, values, refused)
	c.judgeLogins(pl, values)
	c.judgeWeaker(pl, config)
	return pl
}

// unparsed reports a document that our parser refuses; some programs may read it.
func (c *check) unparsed(pl *place, err error) {
	pl.imap = true
	refused := c.refusals(pl)
	if slices.ContainsFunc(pl.readings, func(r programReading) bool { return r.account != nil }) {
		c.reportRefusals(pl.url, nil, refused)
		c.judgeLogins(pl, nil)
		return
	}
	c.report(Finding{
		Code:     ConfigUnreadable,
		Subject:  pl.url,
		Seen:     err.Error() + noAccountIn + namesOf(refused) + ")",
		Expected: "a document",
	})
}

var socketTypes = []string{"SSL", "STARTTLS", "plain"}

// judgeConfig looks for the mistakes that are common in published documents.
func (c *check) judgeConfig(url string, config *thunderbird.Config) (found []Finding) {
	secure := false
	for _, s := range append(slices.Clone(config.Incoming), config.Outgoing...) {
		if s.Hostname == "" {
			continue // a service that has a URL
		}
		for _, kind := range s.SocketTypes {
			secure = secure || kind == "SSL" || kind == "STARTTLS"
			if !slices.Contains(socketTypes, kind) {
				found = append(found, Finding{
					Code: ConfigValue, Subject: url,
					Seen: "socketType " + kind, Expected: strings.Join(socketTypes, ", "),
				})
			}
		}
		for _, value := range []string{s.Hostname, s.Port, s.Username} {
			if template(value) {
				found = append(found, Finding{
					Code:     ConfigValue,
					Subject:  url,
					Seen:     value,
					Expected: "a value, or %EMAILADDRESS%",
				})
			}
		}
		port, _ := strconv.Atoi(s.Port)
		for _, kind := range []settings.Security{settings.TLS, settings.STARTTLS} {
			if slices.Contains(s.SocketTypes, inDocuments[kind]) {
				server := settings.Server{Host: s.Hostname, Port: port, Security: kind}
				found = append(found, c.misplaced(url, settings.Protocol(s.Type), server)...)
			}
		}
	}
	if !secure {
		found = append(found, Finding{Code: ConfigPlaintext, Subject: url, Seen: "no server with SSL or STARTTLS"})
	}
	for i, s := range config.Incoming {
		better := slices.ContainsFunc(config.Incoming[i+1:], func(o thunderbird.Server) bool {
			return o.Type == s.Type && slices.Contains(o.SocketTypes, "SSL")
		})
		if better && !slices.Contains(s.SocketTypes, "SSL") {
			found = append(found, Finding{
				Code: ConfigOrder, Subject: url,
				Seen: fmt.Sprintf("%s:%s with %s before one with SSL", s.Hostname, s.Port,
					strings.Join(s.SocketTypes, ", ")),
			})
		}
	}
	return found
}

// inDocuments are the socketTypes of autoconfig.
var inDocuments = map[settings.Security]string{
	settings.TLS: "SSL", settings.STARTTLS: "STARTTLS",
}

// misplaced warns of a security that is unusual for the port, as applying a site does. For
// servers of the policy, that warning has been given.
func (c *check) misplaced(url string, p settings.Protocol, s settings.Server) []Finding {
	warning := s.PortWarning(p)
	own := c.plan != nil && slices.ContainsFunc(handedOut(c.plan.Terms), func(m mailServer) bool {
		return m.Port == s.Port && m.Security == s.Security
	})
	if warning == "" || own {
		return nil
	}
	return []Finding{{
		Code: ConfigPort, Subject: url,
		Seen:     fmt.Sprintf("%s %s:%d with %s", strings.ToUpper(string(p)), s.Host, s.Port, inDocuments[s.Security]),
		Expected: warning,
	}}
}

// template reports whether a value is a placeholder that was never filled in.
func template(value string) bool {
	for _, sign := range []string{"{{", "}}", "${", "<?", "%(", "$DOMAIN", "@@"} {
		if strings.Contains(value, sign) {
			return true
		}
	}
	return false
}

// isPOX reports whether a page is meant as an Autodiscover answer.
func isPOX(body []byte) bool {
	body = bytes.ToLower(body)
	return bytes.Contains(body, []byte("<autodiscover")) || bytes.Contains(body, []byte(":autodiscover"))
}

// maxFollowed is how many Autodiscover redirects are followed: as many as Outlook follows.
const maxFollowed = 10

// readPOX judges an Autodiscover answer.
func (c *check) readPOX(ctx context.Context) func(probe.Page) *place {
	return func(p probe.Page) *place { return c.readPOXAt(ctx, p, maxFollowed) }
}

func (c *check) readPOXAt(ctx context.Context, p probe.Page, follow int) *place {
	pl := c.readByAll(autodiscoverPlace, p)
	reply, err := autodiscover.ParseResponse(p.Body)
	if err != nil {
		c.unparsed(pl, err)
		return pl
	}
	if reply.Error != nil {
		if c.plan != nil {
			c.report(Finding{
				Code: HTTPStatus, Subject: p.Asked,
				Seen:     "Autodiscover error " + reply.Error.Code.String() + noAccountIn + namesOf(c.refusals(pl)) + ")",
				Expected: "settings",
			})
		}
		return nil
	}
	if to := reply.RedirectURL; strings.EqualFold(reply.Action, "redirectUrl") && to != "" {
		return c.followPOX(ctx, p, to, follow)
	}
	mail := []string{"IMAP", "POP3"}
	offersMail := slices.ContainsFunc(reply.Protocols, func(s autodiscover.Protocol) bool {
		return slices.Contains(mail, strings.ToUpper(s.Type))
	})
	if !offersMail && c.plan == nil {
		return nil // an account on Exchange, for Exchange's own protocols
	}
	pl.imap = slices.ContainsFunc(reply.Protocols, func(s autodiscover.Protocol) bool {
		return strings.EqualFold(s.Type, "IMAP")
	})
	var values []Finding
	for _, protocol := range reply.Protocols {
		values = append(values, c.judgeProtocol(p.Asked, protocol)...)
	}
	values = append(values, judgeLeftOut(p.Asked, reply.Protocols)...)
	c.reportRefusals(p.Asked, values, c.refusals(pl))
	c.judgeLogins(pl, values)
	return pl
}

// followPOX follows an Autodiscover redirect as Outlook does.
func (c *check) followPOX(ctx context.Context, p probe.Page, to string, follow int) *place {
	if follow == 0 || !strings.HasPrefix(to, "https:") {
		c.report(Finding{
			Code:     ConfigRefused,
			Subject:  p.Asked,
			Seen:     "Outlook (classic): it is sent to " + to,
			Expected: "a URL with https, and no more than ten of them",
		})
		return nil
	}
	next, err := c.Fetch(ctx, probe.PostXML(to, autodiscover.RequestFor(localPart+"@"+c.domain)))
	if err != nil {
		c.unreachable(ctx, to, err)
		return nil
	}
	if next.Status != http.StatusOK {
		c.report(Finding{
			Code:     ConfigRefused,
			Subject:  p.Asked,
			Seen:     fmt.Sprintf("Outlook (classic): it is sent to %s, status %d", to, next.Status),
			Expected: "status 200",
		})
		return nil
	}
	return c.readPOXAt(ctx, next, follow-1)
}

func (c *check) judgeProtocol(url string, p autodiscover.Protocol) (found []Finding) {
	if !slices.Contains([]string{"IMAP", "POP3", "SMTP"}, p.Type) {
		return nil
	}
	ssl, encryption := strings.ToLower(p.SSL), strings.ToLower(p.Encryption)
	at := p.Type + " " + p.Server + ":" + p.Port
	if !slices.Contains([]string{"", "on", "off"}, ssl) {
		found = append(found, Finding{Code: ConfigValue, Subject: url, Seen: at + ", SSL " + p.SSL, Expected: "on"})
	}
	if !slices.Contains([]string{"", "none", "ssl", "tls", "auto"}, encryption) {
		found = append(found, Finding{
			Code:     ConfigValue,
			Subject:  url,
			Seen:     at + ", Encryption " + p.Encryption,
			Expected: "SSL or TLS",
		})
	}
	if ssl == "off" && encryption != "" && encryption != "none" {
		found = append(found, Finding{
			Code: ConfigEncryption, Subject: url,
			Seen: at + ", SSL off with Encryption " + p.Encryption, Expected: "SSL on",
		})
	}
	if ssl == "off" && (encryption == "" || encryption == "none") {
		found = append(found, Finding{Code: ConfigPlaintext, Subject: url, Seen: at + ", SSL off"})
	}
	if port, _ := strconv.Atoi(p.Port); ssl != "off" && (encryption == "" || encryption == "ssl") {
		server := settings.Server{Host: p.Server, Port: port, Security: settings.TLS}
		found = append(found, c.misplaced(url, settings.Protocol(strings.ToLower(p.Type)), server)...)
	}
	for _, value := range []string{p.Server, p.LoginName} {
		// Outlook knows no placeholders.
		if template(value) || placeholder.MatchString(value) {
			found = append(found, Finding{Code: ConfigValue, Subject: url, Seen: value, Expected: "a value"})
		}
	}
	return found
}

// judgeLeftOut reports elements whose absence programs interpret differently. That Outlook
// uses NTLM if SPA is missing is from Microsoft's documentation and untested.
func judgeLeftOut(url string, protocols []autodiscover.Protocol) (found []Finding) {
	without := func(lacks func(autodiscover.Protocol) bool) string {
		var types []string
		for _, p := range protocols {
			if slices.Contains([]string{"IMAP", "POP3", "SMTP"}, p.Type) && lacks(p) {
				types = append(types, p.Type)
			}
		}
		return strings.Join(types, ", ")
	}
	if types := without(func(p autodiscover.Protocol) bool {
		return p.LoginName == "" && !strings.EqualFold(p.AuthRequired, "off")
	}); types != "" {
		found = append(found, Finding{
			Code: ConfigLeftOut, Subject: url,
			Seen: types + " without LoginName: Outlook (classic) logs in with what stands before the @, " +
				"Thunderbird with the address",
			Expected: "LoginName",
		})
	}
	if types := without(func(p autodiscover.Protocol) bool { return p.Port == "" }); types != "" {
		found = append(found, Finding{
			Code: ConfigLeftOut, Subject: url, Seen: types + " without Port: Thunderbird and FairEmail pass over it, " +
				"Outlook (classic) takes the usual one",
			Expected: "Port",
		})
	}
	if types := without(func(p autodiscover.Protocol) bool { return p.SPA == "" }); types != "" {
		found = append(found, Finding{
			Code: ConfigLeftOut, Severity: Info, Subject: url, Seen: types + " without SPA: by its documentation " +
				"Outlook (classic) signs in by NTLM then",
			Expected: "SPA off",
		})
	}
	return found
}

// reads reports whether Thunderbird accepts a page's media type as XML.
func reads(p probe.Page) bool { return reading.TakesType(p.Header.Get("Content-Type")) }
