package testkit

// AddAddressTo is AddAddress for an interface other than the loopback's.
var AddAddressTo = addAddress
