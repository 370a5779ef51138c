// Package config reads the two files that an operator writes: autoconfig.yaml,
// how the process runs, and a site, what it serves. Both are strict: an unknown
// key or a wrong value is refused with file, line, column and a caret.
package config
