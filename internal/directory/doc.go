// Package directory finds domains and accounts: in our own database (a [Store]), then
// in what the operator has configured (each a [Source]: a panel's database, a
// directory server). It keeps what it has found in bounded caches, and serves the last
// good answer while one of them is down.
package directory
