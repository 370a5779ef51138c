// Package server answers over HTTP: it routes requests, bounds them, asks the
// directory, and gives what the renderers make of it to the client that asked.
//
// A request's way is the same for every format: one address or one Host goes in
// ([Server.forAddress], [Server.forHost]), one [settings.Settings] comes out, and
// the renderer writes it. Every refusal goes through one table (errors.go).
package server
