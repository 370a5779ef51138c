package settings_test

import (
	"fmt"

	"autoconfig/settings"
)

// An address is read once, at the door: its domain is ASCII in lower case from then
// on, and the local part stays as typed.
func ExampleParseAddress() {
	a, err := settings.ParseAddress("O.Neil+lists@Bücher.Example")
	fmt.Println(a, err)
	fmt.Println(a.Local(), a.Domain(), settings.UnicodeDomain(a.Domain()))

	_, err = settings.ParseAddress("no at")
	fmt.Println(err != nil)
	// Output:
	// O.Neil+lists@xn--bcher-kva.example <nil>
	// O.Neil+lists xn--bcher-kva.example bücher.example
	// true
}
