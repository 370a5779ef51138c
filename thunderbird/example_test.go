package thunderbird_test

import (
	"fmt"

	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// What Thunderbird gets for an address, and what it makes of it.
func ExampleRender() {
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{Servers: policy.Servers{
		IMAP: policy.ServerList{{Host: "imap.example.com"}},
		SMTP: policy.ServerList{{Host: "smtp.example.com"}},
	}}}}}.Normalize()
	terms, _ := site.Terms("example.com")
	alice := settings.MustAddress("alice@example.com")

	document, err := thunderbird.Render(terms.PublicSettings(alice, terms.Unknown(alice)))
	if err != nil {
		fmt.Println(err)
		return
	}
	config, err := thunderbird.Parse(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range append(config.Incoming, config.Outgoing...) {
		fmt.Println(s.Type, s.Hostname, s.Port, s.SocketTypes, s.Username)
	}
	// Output:
	// imap imap.example.com 993 [SSL] %EMAILADDRESS%
	// smtp smtp.example.com 465 [SSL] %EMAILADDRESS%
}
