// Package config reads the two files that an operator writes: autoconfig.yaml, which
// configures the process, and a site, which is what it serves. Both are strict: an unknown
// key or a wrong value is refused with file, line, column and a caret.
package config
