// Package staff manages the people of the help desk and the integrations that use the API: roles,
// passwords, second factors, tokens, sessions, and the audit log.
package staff
