// Package staff knows the people of the help desk and the programs that act for
// them: roles, passwords, second factors, tokens, sessions, and the log of who
// did what.
package staff
