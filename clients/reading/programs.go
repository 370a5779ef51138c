package reading

// Redirect is where an Autodiscover answer sends a program instead; zero for nowhere.
type Redirect struct {
	// URL is asked next, or the same URLs for Address.
	URL, Address string
}

// Program is a mail program with its readers.
type Program struct {
	// ID is its word for simulate, by which package clients has its names.
	ID string
	// Config reads autoconfig documents; nil where it asks for none.
	Config func(Document, Person) (*Account, error)
	// Autodiscover reads answers of Autodiscover; nil where it asks for none.
	Autodiscover func(Document, Person) (*Account, Redirect, error)
}

// Programs are those whose reader is known, in the order of package clients.
func Programs() []Program {
	return []Program{
		{"thunderbird", Thunderbird, thunderbirdAutodiscover},
		{"thunderbird-android", Android, nil},
		{"outlook", nil, Outlook},
		{"evolution", Evolution, nil},
		{"kmail", KMail, nil},
		{"fairemail", FairEmail, FairEmailAutodiscover},
		{"deltachat", DeltaChat, DeltaChatAutodiscover},
		{"nextcloud", Nextcloud, nil},
	}
}

func thunderbirdAutodiscover(d Document, person Person) (*Account, Redirect, error) {
	a, redirect, err := ThunderbirdAutodiscover(d, person, "")
	return a, Redirect{Address: redirect}, err
}
