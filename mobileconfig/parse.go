package mobileconfig

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"
	"howett.net/plist"

	"autoconfig/settings"
)

// MaxProfile is the largest profile that is read, in bytes.
const MaxProfile = 256 << 10

// ErrProfile is returned for what isn't a profile with a mail account.
var ErrProfile = errors.New("not a profile with a mail account")

// Profile is what a device makes of a profile's first mail payload.
type Profile struct {
	Protocol           settings.Protocol
	Incoming, Outgoing Endpoint
	// Signed tells whether the profile is wrapped in a signature; whether that is
	// good, a device decides by its own roots.
	Signed bool
}

// Endpoint is a server as the payload writes it.
type Endpoint struct {
	Host           string
	Port           int
	UseSSL         bool
	Authentication string
	Username       string
}

// Parse reads a profile, signed or not. Errors are [ErrProfile].
func Parse(data []byte) (*Profile, error) {
	if len(data) > MaxProfile {
		return nil, fmt.Errorf("%w: it is larger than 256 KiB", ErrProfile)
	}
	p := &Profile{}
	if signed, err := parseSigned(data); err == nil {
		p.Signed, data = true, signed
	}
	if !bytes.Contains(data, []byte("<plist")) {
		return nil, fmt.Errorf("%w: there is no property list", ErrProfile)
	}
	var profile struct {
		PayloadContent []struct {
			PayloadType                      string
			EmailAccountType                 string
			IncomingMailServerHostName       string
			IncomingMailServerPortNumber     int
			IncomingMailServerUseSSL         bool
			IncomingMailServerUsername       string
			OutgoingMailServerHostName       string
			OutgoingMailServerPortNumber     int
			OutgoingMailServerUseSSL         bool
			OutgoingMailServerUsername       string
			IncomingMailServerAuthentication string
			OutgoingMailServerAuthentication string
		}
	}
	if _, err := plist.Unmarshal(data, &profile); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProfile, err)
	}
	for _, c := range profile.PayloadContent {
		if c.PayloadType != "com.apple.mail.managed" {
			continue
		}
		for protocol, name := range accountTypes {
			if c.EmailAccountType == name {
				p.Protocol = protocol
			}
		}
		if p.Protocol == "" {
			return nil, fmt.Errorf("%w: %q is not a type of account", ErrProfile, c.EmailAccountType)
		}
		p.Incoming = Endpoint{
			c.IncomingMailServerHostName, c.IncomingMailServerPortNumber, c.IncomingMailServerUseSSL,
			c.IncomingMailServerAuthentication, c.IncomingMailServerUsername,
		}
		p.Outgoing = Endpoint{
			c.OutgoingMailServerHostName, c.OutgoingMailServerPortNumber, c.OutgoingMailServerUseSSL,
			c.OutgoingMailServerAuthentication, c.OutgoingMailServerUsername,
		}
		return p, nil
	}
	return nil, ErrProfile
}

func parseSigned(data []byte) ([]byte, error) {
	if !isSound(data) {
		return nil, ErrProfile
	}
	p7, err := pkcs7.Parse(data)
	if err != nil {
		return nil, err
	}
	return p7.Content, nil
}
