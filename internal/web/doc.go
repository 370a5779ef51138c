// Package web is what every listener and every page stands on, whoever they are for:
// connections and their bounds, and what clients get wrong.
//
// It knows nothing of accounts, staff or mail programs.
package web
