package settings

import (
	"bytes"
	"strings"
	"testing"
)

func TestBestIsImplicitTLSFirst(t *testing.T) {
	t.Parallel()
	server := func(host string, s Security) Server { return Server{Host: host, Security: s} }
	for _, c := range []struct {
		list []Server
		want string
	}{
		{[]Server{server("a", TLS), server("b", TLS)}, "a"},
		{[]Server{server("a", STARTTLS), server("b", TLS)}, "b"},
		{[]Server{server("a", None), server("b", STARTTLS)}, "b"},
		{[]Server{server("a", None), server("b", None)}, "a"},
	} {
		if got, ok := Best(c.list); !ok || got.Host != c.want {
			t.Errorf("Best(%v) = %v, want %s", c.list, got, c.want)
		}
	}
	if _, ok := Best(nil); ok {
		t.Error("Best of nothing is something")
	}
}

func TestNormalizeFillsRegisteredPorts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		protocol Protocol
		security Security
		port     int
	}{
		{IMAP, "", 993},
		{IMAP, STARTTLS, 143},
		{POP3, "", 995},
		{POP3, STARTTLS, 110},
		{SMTP, "", 465},
		{SMTP, STARTTLS, 587},
		{ManageSieve, "", 4190},
	} {
		s := Server{Host: "Mail.Example.COM", Security: c.security}.Normalize(c.protocol)
		if s.Port != c.port || s.Host != "mail.example.com" || len(s.Auth) != 1 || s.Auth[0] != AuthPlain {
			t.Errorf("%s %q is normalised to %+v", c.protocol, c.security, s)
		}
		if problems := s.Check(c.protocol, "x"); len(problems) != 0 {
			t.Errorf("%s %q: %v", c.protocol, c.security, problems)
		}
	}
}

func TestServerCheck(t *testing.T) {
	t.Parallel()
	good := Server{Host: "mail.example.com", Port: 993, Security: TLS, Auth: []Auth{AuthPlain}}
	for name, c := range map[string]struct {
		change func(*Server)
		path   string
	}{
		"no host":           {func(s *Server) { s.Host = "" }, "s"},
		"bad host":          {func(s *Server) { s.Host = "imap_1.example.com" }, "s.host"},
		"IP address":        {func(s *Server) { s.Host = "192.0.2.1" }, "s.host"},
		"port":              {func(s *Server) { s.Port = 70000 }, "s.port"},
		"negative port":     {func(s *Server) { s.Port = -1 }, "s.port"},
		"security":          {func(s *Server) { s.Security = "ssl" }, "s.security"},
		"plaintext":         {func(s *Server) { s.Security = None }, "s.security"},
		"unknown auth":      {func(s *Server) { s.Auth = []Auth{AuthPlain, "PASSWORD"} }, "s.auth[1]"},
		"no auth on IMAP":   {func(s *Server) { s.Auth = []Auth{AuthNone} }, "s.auth[0]"},
		"bad username":      {func(s *Server) { s.Username = "{user}" }, "s.username"},
		"constant username": {func(s *Server) { s.Username = "everybody" }, "s.username"},
	} {
		s := good
		c.change(&s)
		if problems := s.Check(IMAP, "s"); len(problems) != 1 || problems[0].Path != c.path || problems[0].Warning {
			t.Errorf("%s: %v", name, problems)
		}
	}
	plain := good
	plain.Security, plain.AllowPlaintext = None, true
	if problems := plain.Check(IMAP, "s"); len(problems) != 0 {
		t.Errorf("allowed plaintext: %v", problems)
	}
}

func TestLoginFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern              Username
		mailbox, typed, own  string
		literal, wantPattern string
	}{
		{"", "office@example.com", "office@example.com", "", "office@example.com", "{address}"},
		{"{local}", "00123@example.com", "00123@example.com", "", "00123", "{local}"},
		{"{local}.{domain}", "office@example.com", "office@example.com", "", "office.example.com", "{local}.{domain}"},
		{"{login}", "office@example.com", "office@example.com", "", "office@example.com", "{address}"},
		{"{login}@realm", "office@example.com", "office@example.com", "of1", "of1@realm", ""},
		{"{address}", "office@example.com", "office@example.com", "of1", "of1", ""},
		{"{address}", "office@example.com", "office@example.com", "office", "office", "{local}"},
		// an alias domain
		{"{address}", "office@example.com", "office@example.net", "", "office@example.com", "{local}@example.com"},
		{"{local}", "office@example.com", "office@example.net", "", "office", "{local}"},
		{"{local}%{domain}", "office@example.com", "office@example.net", "", "office%example.com", "{local}%example.com"},
		// another address of the mailbox
		{"{address}", "office@example.com", "info@example.com", "", "office@example.com", ""},
		{"{local}", "00123@example.com", "info@example.com", "", "00123", ""},
		// a tag
		{"{address}", "name@example.com", "name+tag@example.com", "", "name@example.com", ""},
	} {
		got := LoginFor(c.pattern, MustAddress(c.mailbox), MustAddress(c.typed), c.own)
		if got.Literal != c.literal || got.Pattern != c.wantPattern {
			t.Errorf("LoginFor(%q, %s, %s, %q) = %+v", c.pattern, c.mailbox, c.typed, c.own, got)
		}
	}
}

func TestDefaultLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern         Username
		primary, domain string
		want            string
	}{
		{"", "example.com", "example.com", "{address}"},
		{"{login}", "example.com", "example.com", "{address}"},
		{"{local}", "example.com", "example.net", "{local}"},
		{"", "example.com", "example.net", "{local}@example.com"},
	} {
		if got := DefaultLogin(c.pattern, c.primary, c.domain); got.Pattern != c.want || got.Literal != "" {
			t.Errorf("DefaultLogin(%q, %s, %s) = %+v", c.pattern, c.primary, c.domain, got)
		}
	}
}

func TestTemplateFillsItsSlots(t *testing.T) {
	t.Parallel()
	s := Settings{
		Typed:         MustAddress("a&b@example.com"),
		IncomingLogin: Login{Literal: "<in>"},
		OutgoingLogin: Login{Literal: "out"},
	}
	slots := s.WithSlots()
	template, err := NewTemplate([]byte("1 " + slots.Typed.String() + " 2 " + slots.IncomingLogin.Literal + slots.OutgoingLogin.Literal + " ü"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(template.Fill(&s, EscapeXML)), "1 a&amp;b@example.com 2 &lt;in&gt;out ü"; got != want {
		t.Errorf("filled: %q, want %q", got, want)
	}
	if template, err = NewTemplate([]byte("no slots")); err != nil || string(template.Fill(&s, EscapeXML)) != "no slots" {
		t.Errorf("a template without slots: %v", err)
	}
	if _, err = NewTemplate([]byte("\uE00A")); err == nil {
		t.Error("an unknown slot is accepted")
	}
}

func TestProviderCheck(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Provider{
		"id":         {Name: "Example"},
		"name":       {ID: "example"},
		"long name":  {ID: "example", Name: strings.Repeat("ü", 61)},
		"long short": {ID: "example", Name: "Example", ShortName: strings.Repeat("x", 21)},
		"control":    {ID: "example", Name: "Exa\x07mple"},
		"http help":  {ID: "example", Name: "Example", HelpURL: "http://help.example.com"},
		"script":     {ID: "example", Name: "Example", HelpURL: "javascript:alert(1)"},
		"support":    {ID: "example", Name: "Example", SupportEmail: "help"},
	} {
		if problems := p.Check("providers[0]"); len(problems.Errors()) != 1 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if got := (Provider{Name: strings.Repeat("ü", 30)}).Short(); got != strings.Repeat("ü", 20) {
		t.Errorf("short name %q", got)
	}
}

func TestServicesOverPlan(t *testing.T) {
	t.Parallel()
	plan := Services{CalDAV: "https://dav.example.com/", Webmail: "https://mail.example.com/"}
	got := Services{CalDAV: NoService, CardDAV: "https://own.example.com/"}.Over(plan)
	if want := (Services{CardDAV: "https://own.example.com/", Webmail: "https://mail.example.com/"}); got != want {
		t.Errorf("merged: %+v", got)
	}
}

func FuzzNewTemplate(f *testing.F) {
	f.Add([]byte("a\uE000@\uE001b"))
	f.Add([]byte{0xEE, 0x80})
	f.Fuzz(func(t *testing.T, document []byte) {
		template, err := NewTemplate(bytes.Clone(document))
		if err != nil {
			return
		}
		s := Settings{}.WithSlots()
		raw := func(dst []byte, text string) []byte { return append(dst, text...) }
		var own []string // a format that has slots of its own gives as many texts
		for i := range lastOwn - firstOwn + 1 {
			own = append(own, Slot(int(i)))
		}
		if got := template.Append(nil, &s, raw, own...); !bytes.Equal(got, document) {
			t.Fatalf("%q becomes %q", document, got)
		}
	})
}
