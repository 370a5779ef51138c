package pacc_test

import (
	"fmt"

	"autoconfig/pacc"
	"autoconfig/policy"
)

// A domain's document, and the record without which no program believes it.
func ExampleRender() {
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{Servers: policy.Servers{
		IMAP: policy.ServerList{{Host: "imap.example.com"}},
		SMTP: policy.ServerList{{Host: "smtp.example.com"}},
	}}}}}.Normalize()
	terms, _ := site.Terms("example.com")

	document, err := pacc.Render(terms.DefaultSettings("example.com"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("https://%s.example.com%s\n%s", pacc.HostLabel, pacc.Path, document)
	fmt.Printf("%s.example.com. TXT %q\n", pacc.Label, pacc.DigestOf(document).TXT())
	// Output:
	// https://ua-auto-config.example.com/.well-known/user-agent-configuration.json
	// {
	//   "protocols": {
	//     "imap": {
	//       "host": "imap.example.com"
	//     },
	//     "submit": {
	//       "host": "smtp.example.com"
	//     },
	//     "smtp": {
	//       "host": "smtp.example.com"
	//     }
	//   },
	//   "authentication": {
	//     "password": true
	//   },
	//   "info": {
	//     "provider": {
	//       "name": "example.com"
	//     }
	//   }
	// }
	// _ua-auto-config.example.com. TXT "v=UAAC1; a=sha256; d=YvdQPZKDtsuAt2GuUEcz/5QAlytKig4tlrYGpKsfMtI="
}
