// Package server answers strangers: mail programs, browsers, and whoever holds a setup
// link. It asks the directory, and gives what the renderers make of it to the client
// that asked.
//
// A request's way is the same for every format: one address or one Host goes into
// [lookup.Lookup], one [settings.Settings] comes out, and the renderer writes it. Staff,
// their acts and our own database are behind a wall: this package can't import them.
package server
