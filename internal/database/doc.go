// Package database knows the three kinds of databases: how their addresses are
// written, how each is opened safely, and where their SQL differs.
package database
