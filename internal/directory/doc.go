// Package directory finds domains and accounts: first in our own database (a [Store]),
// then in the operator's sources (each a [Source]: a panel's database, a directory
// server). It caches what it finds, within bounds, and serves the last good answer while
// one of them is down.
package directory
