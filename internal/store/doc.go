// Package store is our own database: the site, links, people, checks and everything else that is
// kept, in SQLite (the default, embedded), PostgreSQL, MariaDB or MySQL.
package store
