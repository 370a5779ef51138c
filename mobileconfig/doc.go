// Package mobileconfig writes Apple's configuration profiles
// (github.com/apple/device-management) and, apart from that, signs them.
package mobileconfig
