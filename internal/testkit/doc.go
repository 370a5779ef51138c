// Package testkit lets a Go test run the real mail programs: Thunderbird and
// Evolution's library, in a network of their own, against a DNS server and a
// certificate authority that the test controls.
//
// A test enters a namespace first; everything else happens inside it:
//
//	func TestThunderbird(t *testing.T) {
//		testkit.Need(t, "thunderbird")
//		if !testkit.InNamespace(t) {
//			return // the body has run in a child process
//		}
//		testkit.StartDNS(t, testkit.DNSAddress, "autoconfig.example.com. A 127.0.0.1")
//		ca := testkit.NewCA(t)
//		// serve https on 127.0.0.1:443 with ca.Issue(t, testkit.Leaf{...}).TLS()
//		tb := testkit.StartThunderbird(t, ca)
//		got, err := tb.Configure(t.Context(), testkit.Person{Email: "alice@example.com", RealName: "Alice"})
//	}
//
// The child process relays its log and its outcome; coverage counts only what
// runs outside. Go caches a result without seeing a change of the clients:
// use -count=1 after installing another version.
//
// Servers that need no network of their own, such as the databases, run on
// loopback beside the test.
//
// Nothing here guesses or falls back: what a client found is reported with its
// origin, and finding nothing is [ErrNoAccount].
package testkit
