// Package settings holds the words that every part of autoconfig shares:
// addresses, servers, services, providers, decisions, and [Settings], which is
// all that a renderer needs to answer for one address.
//
// The package knows no client, no file format and no network. Everything in it
// is a value; nothing in it does I/O.
package settings
