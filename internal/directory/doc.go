// Package directory finds domains and accounts. It keeps what it has found in a
// bounded cache, and serves the last good answer while its source is down.
package directory
