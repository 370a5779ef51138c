package mobileconfig_test

import (
	"fmt"

	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
)

// The profile that an iPhone installs. Signing is a step of its own: [Identity].
func ExampleRender() {
	site := policy.Site{ID: "a site's random identity", Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{Servers: policy.Servers{
		IMAP: policy.ServerList{{Host: "imap.example.com"}},
		SMTP: policy.ServerList{{Host: "smtp.example.com"}},
	}}}}}.Normalize()
	terms, _ := site.Terms("example.com")
	alice := settings.MustAddress("alice@example.com")

	document, err := mobileconfig.Render(terms.PublicSettings(alice, terms.Unknown(alice)))
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := mobileconfig.Parse(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(profile.Protocol, profile.Incoming.Host, profile.Incoming.Port, profile.Incoming.UseSSL, profile.Incoming.Username)
	fmt.Println("signed:", profile.Signed)
	// Output:
	// imap imap.example.com 993 true alice@example.com
	// signed: false
}
