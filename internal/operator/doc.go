// Package operator is what the operator sees of a running service: whether it is ready,
// what is wrong with it and with what it stands on, metrics, and the last checks of
// domains. It answers on the private listener.
package operator
