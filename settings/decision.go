package settings

// Decision is what the policy says for one account: exactly one incoming
// protocol, and why.
type Decision struct {
	Protocol Protocol `json:"protocol"`
	// POP3 says what the client should leave on the server; meaningless with IMAP.
	POP3 Retention `json:"pop3,omitzero"`
	// Rule is the name of the rule that matched, "" for none.
	Rule string `json:"rule,omitempty"`
	// Reason is why this protocol; only for staff and behind setup links.
	Reason Message `json:"reason"`
	// Advice is what the person should know.
	Advice []Message `json:"advice,omitempty"`
	// Refused is the protocol that an outside source decided although the domain
	// has no server for it; "" otherwise.
	Refused Protocol `json:"refused,omitempty"`
}

// Retention is how long a POP3 client leaves mail on the server.
type Retention struct {
	Leave bool `json:"leave_on_server"`
	// Days is how long, 1 to [MaxDays]; 0 means until the person deletes it.
	Days int `json:"days,omitempty"`
}

// MaxDays is ten years: what clients that know only "for N days" are told for
// "for ever" (Thunderbird deletes after 14 days unless it is given a number).
const MaxDays = 3650

// Message is a text by its key in the message catalogue, with its values.
type Message struct {
	Key  string            `json:"key"`
	Args map[string]string `json:"args,omitempty"`
}

// The messages of a decision.
const (
	ReasonAccount   = "reason.account"      // set on the account by hand or by its source
	ReasonRule      = "reason.rule"         // {rule}
	ReasonDefault   = "reason.default"      // the domain's default
	ReasonOnly      = "reason.only"         // the only protocol that the domain has
	ReasonNoServer  = "reason.no_server"    // {wanted}: the source's protocol has no server
	AdviceIMAP      = "advice.imap"         // what IMAP means
	AdvicePOP3One   = "advice.pop3.one"     // what POP3 means, for a person with one device
	AdvicePOP3      = "advice.pop3"         // what POP3 means
	AdviceIMAPMany  = "advice.imap.several" // what IMAP means, for a person with several devices
	AdviceKeeps     = "advice.pop3.keeps"   // {days}: left on the server that long
	AdviceKeepsAll  = "advice.pop3.keeps_all"
	AdviceDeletes   = "advice.pop3.deletes" // removed from the server at once
	AdviceBackup    = "advice.backup"       // make a backup
	AdviceNeverBoth = "advice.never_both"   // never both protocols for one account
)
