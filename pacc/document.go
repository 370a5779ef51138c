package pacc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxDocument is the largest document that is read, in bytes.
const MaxDocument = 64 << 10

// ErrDocument is returned for what isn't a document.
var ErrDocument = errors.New("not a PACC document")

// Document is what a domain says. Unknown members are ignored when it is read.
type Document struct {
	Protocols      Protocols      `json:"protocols"`
	Authentication Authentication `json:"authentication,omitzero"`
	Info           Info           `json:"info,omitzero"`
}

// Protocols are the services. Mail servers have no ports: it is implicit TLS at
// the registered one.
type Protocols struct {
	IMAP *Host `json:"imap,omitempty"`
	POP3 *Host `json:"pop3,omitempty"`
	// Submit is the name since -03, SMTP the one of -02.
	Submit  *Host `json:"submit,omitempty"`
	SMTP    *Host `json:"smtp,omitempty"`
	JMAP    *URL  `json:"jmap,omitempty"`
	CalDAV  *URL  `json:"caldav,omitempty"`
	CardDAV *URL  `json:"carddav,omitempty"`
	WebDAV  *URL  `json:"webdav,omitempty"`
}

// Host is a mail server.
type Host struct {
	Host string `json:"host"`
}

// URL is a service over https at port 443.
type URL struct {
	URL string `json:"url"`
}

// Authentication is how one logs in.
type Authentication struct {
	Password    bool         `json:"password"`
	OAuthPublic *OAuthPublic `json:"oauth-public,omitempty"`
}

// OAuthPublic is an issuer whose metadata says the rest (RFC 8414).
type OAuthPublic struct {
	Issuer string `json:"issuer"`
}

// Info is what people are shown.
type Info struct {
	Provider ProviderInfo `json:"provider"`
	Help     *Help        `json:"help,omitempty"`
}

// ProviderInfo has a name of at most 60 characters and a short one of at most 20.
type ProviderInfo struct {
	Name      string `json:"name"`
	ShortName string `json:"shortName,omitempty"`
}

// Help is where people find help.
type Help struct {
	Documentation string `json:"documentation,omitempty"`
}

// Parse reads a document. Errors are [ErrDocument].
func Parse(data []byte) (*Document, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("%w: it is larger than 64 KiB", ErrDocument)
	}
	var raw struct {
		Protocols *json.RawMessage
	}
	var d Document
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if raw.Protocols == nil || bytes.Equal(*raw.Protocols, []byte("null")) {
		return nil, fmt.Errorf("%w: it has no protocols", ErrDocument)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return &d, nil
}
