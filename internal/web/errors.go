package web

import "errors"

// ErrTooMany means that a client asks, or gets wrong, too much.
var ErrTooMany = errors.New("too many requests from this address")

// DeltaChatStop ends every refusal. Delta Chat's autoconfig reader ignores the
// status and takes a body without tags for a configuration without servers,
// which ends its search; an end tag that was never opened makes it go on
// (deltachat-core auto_mozilla.rs, quick-xml's check of end names).
const DeltaChatStop = "\n</none>\n"
