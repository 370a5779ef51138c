// Package store is our own database: the site, in tables. SQLite is the embedded
// default.
package store
