package server

import (
	"net/url"
	"strings"
	"testing"

	"autoconfig/settings"
)

// What is read of a query is read the same when it is written anew, and no program that
// reads the query as a form finds another address in it. A + is left out: to such a
// program it is a blank.
func FuzzAddressIn(f *testing.F) {
	for _, seed := range []string{
		"emailaddress=workshop%40example.com", "EmailAddress=+workshop%40example.com", "email=workshop%2540example.com.", "emailaddress=a&b@example.com",
		"emailaddress=%22a+b%22%40example.com", "x=1;emailaddress=a@b", "emailaddress=a%40b&email=c%40d", "emailaddress=+a@b", "email%61ddress=a@b",
		"emailaddress=a%252Bb%252540example.com", "emailaddress=100%@example.com", "emailaddress=jörg@müller.example&emailmd5=0155af7198d826c350d91225b781d31c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		found, given, err := addressIn(raw)
		if err != nil || !given {
			return
		}
		again, given, err := addressIn(strings.TrimPrefix(addressQuery(found, ""), "?"))
		if err != nil || !given || again.Address != found.Address || again.respelled() != found.respelled() {
			t.Fatalf("%q is %+v, and written anew %+v, %t, %v", raw, found, again, given, err)
		}
		values, err := url.ParseQuery(raw)
		if err != nil || strings.Contains(raw, "+") {
			return
		}
		for key, all := range values {
			for _, value := range all {
				other, err := settings.ParseAddress(value)
				if err == nil && isKey(key, addressKeys...) && !other.Same(found.Address) {
					t.Fatalf("%q is %+v, and to others %s", raw, found, other)
				}
			}
		}
	})
}
