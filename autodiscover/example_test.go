package autodiscover_test

import (
	"fmt"

	"autoconfig/autodiscover"
	"autoconfig/policy"
	"autoconfig/settings"
)

// A request of Outlook, and what it gets.
func ExampleRender() {
	request, err := autodiscover.ParseRequest([]byte(autodiscover.RequestFor("alice@example.com")))
	if err != nil || !request.WantsOutlook() {
		fmt.Println(err)
		return
	}
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{Servers: policy.Servers{
		IMAP: policy.ServerList{{Host: "imap.example.com"}},
		SMTP: policy.ServerList{{Host: "smtp.example.com"}},
	}}}}}.Normalize()
	terms, _ := site.Terms("example.com")
	alice := settings.MustAddress(request.Address)

	reply, err := autodiscover.Render(terms.PublicSettings(alice, terms.Unknown(alice)))
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := autodiscover.ParseResponse(reply)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range read.Protocols {
		fmt.Println(p.Type, p.Server, p.Port, p.Encryption, p.LoginName)
	}
	// Output:
	// IMAP imap.example.com 993 SSL alice@example.com
	// SMTP smtp.example.com 465 SSL alice@example.com
}
