// Package store is our own database: the site, links, people, checks and what else is
// kept, in the tables of SQLite (the default, embedded), PostgreSQL, MariaDB or MySQL.
package store
