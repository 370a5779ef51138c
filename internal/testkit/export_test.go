package testkit

// AddAddressTo is AddAddress for an interface other than the loopback's.
var AddAddressTo = addAddress

// LeftBehind is what Run asks after the tests.
var LeftBehind = leftBehind
