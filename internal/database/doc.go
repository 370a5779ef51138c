// Package database knows the three kinds of databases: how their addresses are written, how
// to open each one safely, and where their SQL differs.
package database
