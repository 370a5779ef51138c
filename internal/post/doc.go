// Package post knows the messages that people get by mail: who may be written to and how
// often, the queue in our own database, and the way to the operator's mail server, which
// gets each message once.
package post
