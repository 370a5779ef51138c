package doctor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
)

// asProgramsRead reports what each program whose reader is known makes of an autoconfig
// document, where that isn't an account with a login of the person's.
func (c *check) asProgramsRead(p probe.Page) {
	for _, program := range []struct {
		name string
		read func(reading.Document, reading.Person) (*reading.Account, error)
	}{{"Thunderbird", reading.Thunderbird}, {"Evolution", reading.Evolution}} {
		account, err := program.read(asDocument(p), c.somebody())
		c.judgeReading(p.Asked, program.name, account, err)
	}
}

// asThunderbirdDiscovers does the same for an answer of Autodiscover.
func (c *check) asThunderbirdDiscovers(p probe.Page) {
	account, redirect, err := reading.ThunderbirdAutodiscover(asDocument(p), c.somebody(), "")
	if redirect == "" {
		c.judgeReading(p.Asked, "Thunderbird", account, err)
	}
}

func asDocument(p probe.Page) reading.Document {
	return reading.Document{ContentType: p.Header.Get("Content-Type"), Body: p.Body}
}

// somebody is the person for whom was asked.
func (c *check) somebody() reading.Person {
	address := localPart + "@" + c.domain
	return reading.Person{Email: address, RealName: address}
}

func (c *check) judgeReading(url, program string, account *reading.Account, err error) {
	if errors.Is(err, reading.ErrNothing) {
		return // the media type, which is reported
	}
	if err != nil {
		c.report(Finding{Code: ConfigRefused, Subject: url, Seen: program + ": " + err.Error(), Expected: "an account"})
		return
	}
	for _, s := range []reading.Server{account.Incoming, account.Outgoing} {
		if s.Auth != "" && s.Auth != "none" && nobodys(s.Username) {
			seen := fmt.Sprintf("%s: the login %q at %s", program, s.Username, s.Host)
			c.report(Finding{Code: ConfigLogin, Subject: url, Seen: seen, Expected: "the person's login"})
		}
	}
}

var placeholder = regexp.MustCompile("(?i)%EMAIL|EMAILADDRESS%|%REALNAME|%[A-Z]+%")

// nobodys tells whether a login is no one's: what is left of a placeholder, nothing at
// all, or what Thunderbird's reader makes of a missing or an odd element.
func nobodys(login string) bool {
	return login == "" || placeholder.MatchString(login) ||
		slices.Contains([]string{"undefined", "true", "false", "NaN", "[object Object]"}, login)
}
