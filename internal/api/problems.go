package api

// misplaced is an error of one member of a body; at is its name, or a path of names.
type misplaced struct {
	at  string
	err error
}

func (m misplaced) Error() string { return m.err.Error() }
func (m misplaced) Unwrap() error { return m.err }

// field says which member of a body is wrong.
func field(at string, err error) error { return misplaced{at, err} }
