// Package policy decides which single incoming protocol each account has, and which servers serve it: a
// pure function from the operator's [Site] and what is known about the [Account] to [settings.Settings].
package policy
