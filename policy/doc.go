// Package policy decides, for each account, which one incoming protocol it has
// and which servers serve it: a pure function from what the operator wrote
// ([Site]) and what is known of the account ([Account]) to [settings.Settings].
package policy
