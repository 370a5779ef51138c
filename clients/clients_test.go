package clients

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/settings"
)

// sources are all that a program's facts stand on.
func (c Client) sources() []Source {
	all := []Source{c.Lookup.Source, c.IMAP.Source, c.POP3.Source, c.Profile.Source, c.QRCode.Source, c.Retention.Source}
	for _, r := range c.Ignores {
		all = append(all, r.Source)
	}
	return all
}

func TestEveryFactHasASource(t *testing.T) {
	t.Parallel()
	known := []Certainty{Seen, Read, Documented, Reported, Unverified}
	for _, c := range All() {
		for i, s := range c.sources() {
			if !slices.Contains(known, s.Sure) || s.At == "" {
				t.Errorf("%s: fact %d has no source: %+v", c.Name, i, s)
			}
			if s.Sure != Unverified && !strings.Contains(s.At, "https://") {
				t.Errorf("%s: fact %d is said to be known, but nobody can look it up: %s", c.Name, i, s.At)
			}
		}
	}
}

func TestTheTableIsWhole(t *testing.T) {
	t.Parallel()
	ids, names := map[string]bool{}, map[string]bool{}
	for _, c := range All() {
		if ids[c.ID] || names[c.Name] || !regexp.MustCompile(`^[a-z0-9_]+$`).MatchString(c.ID) {
			t.Errorf("%s %q is there twice, or its ID is no key of messages", c.ID, c.Name)
		}
		ids[c.ID], names[c.Name] = true, true
		if len(c.Devices) == 0 || len(c.Lookup.Places) == 0 || c.IMAP.How == "" || c.POP3.How == "" || len(c.Ignores) == 0 {
			t.Errorf("%s lacks a fact", c.Name)
		}
		published := slices.ContainsFunc(c.Lookup.Places, func(p Place) bool { return strings.HasPrefix(string(p), "http") || strings.HasPrefix(string(p), "SRV") })
		if published != (c.Lookup.Sends != Nothing) {
			t.Errorf("%s sends %s, but looks at %v", c.Name, c.Lookup.Sends, c.Lookup.Places)
		}
		if srv := slices.Contains(c.Lookup.Places, IMAPSRV); c.Lookup.SRVFirst && !srv {
			t.Errorf("%s believes SRV records without asking for them", c.Name)
		}
		if c.Profile.Has != (c.IMAP.How == ByProfile) {
			t.Errorf("%s takes profiles: %t, but IMAP is set up %s", c.Name, c.Profile.Has, c.IMAP.How)
		}
	}
	for _, name := range []string{
		"Apple Mail (iPhone, iPad)", "Apple Mail (Mac)", "Gmail", "Samsung Email", "Outlook (iPhone, iPad, Android)", "Outlook (new)",
		"Outlook (classic)", "Outlook for Mac", "Thunderbird", "Thunderbird for Android", "K-9 Mail", "eM Client", "Spark", "FairEmail",
		"Delta Chat", "Evolution", "KMail", "Geary", "Claws Mail", "Nextcloud Mail",
	} {
		if !names[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestProfilesComeFirstOnPages(t *testing.T) {
	t.Parallel()
	for device, want := range map[Device][]string{
		IPhone:  {"apple_ios", "outlook_mobile", "emclient", "spark", "deltachat"},
		Mac:     {"apple_mac", "thunderbird", "outlook_mac", "emclient", "spark", "deltachat"},
		Android: {"thunderbird_android", "k9", "gmail", "samsung", "outlook_mobile", "emclient", "spark", "fairemail", "deltachat"},
		Windows: {"thunderbird", "outlook_classic", "outlook_new", "claws", "emclient", "spark", "deltachat"},
		Linux:   {"thunderbird", "evolution", "kmail", "geary", "claws", "deltachat"},
		Other:   {"thunderbird"},
	} {
		var got []string
		for _, o := range OfDevice(Outcomes(answers(settings.IMAP, settings.IMAP, nil)), device) {
			got = append(got, o.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", device, diff)
		}
	}
}

// answers are those of an account that differs from the default as change says.
func answers(own, byDefault settings.Protocol, change func(*Answers)) Answers {
	typed := settings.MustAddress("fred@example.com")
	literal := settings.Login{Literal: typed.String(), Pattern: "{address}"}
	of := func(p settings.Protocol) settings.Settings {
		host := map[settings.Protocol]string{settings.IMAP: "imap.example.com", settings.POP3: "pop.example.com"}[p]
		return settings.Settings{
			Typed: typed, Decision: settings.Decision{Protocol: p}, IncomingLogin: literal, OutgoingLogin: literal,
			Incoming: settings.Server{Host: host, Port: settings.RegisteredPort(p, settings.TLS), Security: settings.TLS},
			Outgoing: settings.Server{Host: "smtp.example.com", Port: 465, Security: settings.TLS},
		}
	}
	a := Answers{Own: of(own), Address: of(own), Digest: of(own), Default: of(byDefault)}
	a.Default.IncomingLogin, a.Default.OutgoingLogin = settings.Login{Pattern: "{address}"}, settings.Login{Pattern: "{address}"}
	if change != nil {
		change(&a)
	}
	return a
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	ownLogin := func(a *Answers) {
		own := settings.Login{Literal: "log77"}
		a.Own.IncomingLogin, a.Own.OutgoingLogin, a.Address.IncomingLogin, a.Address.OutgoingLogin = own, own, own, own
	}
	for name, c := range map[string]struct {
		answers             Answers
		misled, hand, never string
	}{
		"the default": {answers(settings.IMAP, settings.IMAP, nil), "", "", ""},
		"POP3 beside IMAP": {
			answers(settings.POP3, settings.IMAP, nil),
			"Thunderbird for Android, K-9 Mail, KMail, Geary, eM Client, FairEmail, Delta Chat",
			"Thunderbird for Android, K-9 Mail, KMail, eM Client, FairEmail",
			"Geary, Spark, Delta Chat, Nextcloud Mail",
		},
		"POP3 for all": {
			answers(settings.POP3, settings.POP3, nil), "",
			"Thunderbird for Android, K-9 Mail, eM Client, FairEmail", "Geary, Spark, Delta Chat, Nextcloud Mail",
		},
		"IMAP beside POP3": {
			answers(settings.IMAP, settings.POP3, nil), "KMail",
			"Thunderbird for Android, K-9 Mail, KMail, Geary, Delta Chat", "",
		},
		"a login of its own": {
			answers(settings.IMAP, settings.IMAP, ownLogin),
			"Thunderbird for Android, K-9 Mail, Evolution, KMail, Geary, Delta Chat",
			"Thunderbird for Android, K-9 Mail, Evolution, KMail, Geary, Delta Chat", "",
		},
		"a login like a number": {
			answers(settings.IMAP, settings.IMAP, func(a *Answers) {
				own := settings.Login{Literal: "00123"}
				for _, s := range []*settings.Settings{&a.Own, &a.Address, &a.Digest} {
					s.IncomingLogin, s.OutgoingLogin = own, own
				}
			}),
			"Thunderbird for Android, K-9 Mail, KMail, Geary, Delta Chat",
			"Thunderbird, Thunderbird for Android, K-9 Mail, KMail, Geary, Delta Chat, Nextcloud Mail", "",
		},
		"other servers": {
			answers(settings.IMAP, settings.IMAP, func(a *Answers) { a.Default.Incoming.Host = "old.example.com" }),
			"Thunderbird for Android, K-9 Mail, KMail, Geary, eM Client, FairEmail, Delta Chat",
			"Thunderbird for Android, K-9 Mail, KMail, Geary, eM Client, FairEmail, Delta Chat", "",
		},
		"only the default is shown": {
			answers(settings.POP3, settings.POP3, func(a *Answers) { a.Own.Decision.POP3.Days = 9 }),
			"Thunderbird", "Thunderbird, Thunderbird for Android, K-9 Mail, eM Client, FairEmail",
			"Geary, Spark, Delta Chat, Nextcloud Mail",
		},
	} {
		got := MisfitsOf(Outcomes(c.answers))
		if misled := strings.Join(got.Misled, ", "); misled != c.misled {
			t.Errorf("%s misleads %s, want %s", name, misled, c.misled)
		}
		if hand := strings.Join(got.ByHand, ", "); hand != c.hand {
			t.Errorf("%s is set up by hand in %s, want %s", name, hand, c.hand)
		}
		if never := strings.Join(got.Unsuitable, ", "); never != c.never {
			t.Errorf("%s can't be in %s, want %s", name, never, c.never)
		}
	}
}

// Thunderbird asks nothing for a domain in other letters than ASCII.
func TestAddressesAreTypedInASCIIWhereAProgramNeedsIt(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"fred@example.com": "", "fred@bücher.test": "fred@xn--bcher-kva.test", "fred@xn--bcher-kva.test": "fred@xn--bcher-kva.test"} {
		a := answers(settings.IMAP, settings.IMAP, func(a *Answers) { a.Own.Typed = settings.MustAddress(typed) })
		for _, o := range Outcomes(a) {
			if needs := o.Name == "Thunderbird"; needs && o.Type != want || !needs && o.Type != "" {
				t.Errorf("%s in %s: type %q", typed, o.Name, o.Type)
			}
		}
	}
}
