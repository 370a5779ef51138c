// Package templates holds the texts that people read: the message catalogues,
// by language.
package templates
