package guide_test

import (
	"testing"

	"autoconfig/clients"
	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/guide"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/store"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

func demo(t *testing.T) *lookup.Lookup {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite::memory:"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	site, _, err := config.ReadSite("demo.yaml", config.Demo)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	return &lookup.Lookup{Directory: directory.New(directory.Options{Store: db})}
}

// What anybody may see of an account says nothing of the person; what staff and the
// holder of a link see gives the reason in plain words, without the rule's name.
func TestOnlyThePersonIsToldTheReason(t *testing.T) {
	t.Parallel()
	l := demo(t)
	typed := settings.MustAddress("workshop@example.com")
	a, err := l.ForAddress(t.Context(), typed)
	if err != nil {
		t.Fatal(err)
	}
	public := guide.Public(a, links.IPhone)
	if public.Protocol != "POP3" || !public.Backup || public.Reason != nil {
		t.Errorf("anybody sees %s, warning %v, reason %v", public.Protocol, public.Backup, public.Reason)
	}
	if want := mobileconfig.Path + "?emailaddress=workshop%40example.com"; public.Profile != want {
		t.Errorf("the profile is at %q, want %q", public.Profile, want)
	}
	mine, found, err := l.Personal(t.Context(), typed)
	if err != nil {
		t.Fatal(err)
	}
	personal := guide.Personal(mine, found, links.IPhone, "/here")
	if personal.Reason == nil || personal.Reason.Key != "plain.rule" || len(personal.Reason.Args) > 0 {
		t.Errorf("the person sees the reason %+v", personal.Reason)
	}
	if personal.Profile != "/here" {
		t.Errorf("the profile is at %q", personal.Profile)
	}
}

func TestAProgramIsChosenWhereAProfileSetsAllUp(t *testing.T) {
	t.Parallel()
	l := demo(t)
	a, err := l.ForAddress(t.Context(), settings.MustAddress("office@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		device       links.Device
		asked, shown string
	}{
		{links.IPhone, "", "apple_ios"},
		{links.IPhone, "thunderbird", "apple_ios"}, // which an iPhone doesn't have
		{links.IPhone, guide.Another, guide.Another},
		{links.Linux, "", ""},
		{links.Linux, "evolution", "evolution"},
		{links.Linux, "no such program", ""},
	} {
		g := guide.Public(a, c.device)
		g.Choose(c.asked)
		if got := g.Program(); got != c.shown {
			t.Errorf("on %s, %q shows %q, want %q", c.device, c.asked, got, c.shown)
		}
		g.Leave()
		if got := g.Program(); got != "" || g.Chosen != nil {
			t.Errorf("after the choice was taken back, %q is shown", got)
		}
	}
}

func TestTheWayFollowsFromTheOutcome(t *testing.T) {
	t.Parallel()
	profile := clients.Outcome{Gets: clients.Gets{Protocol: settings.IMAP}}
	profile.Profile.Has = true
	for _, c := range []struct {
		profile string
		outcome clients.Outcome
		want    string
	}{
		{"/p", profile, guide.WayProfile},
		{"", profile, guide.WayItself},
		{"/p", clients.Outcome{Gets: clients.Gets{Protocol: settings.IMAP}}, guide.WayItself},
		{"/p", clients.Outcome{Gets: clients.Gets{Protocol: settings.IMAP}, ByHand: true}, guide.WayHand},
		{"/p", clients.Outcome{}, guide.WayHand},
		{"/p", clients.Outcome{Unsuitable: true, ByHand: true}, guide.WayNever},
	} {
		g := guide.Guide{Profile: c.profile}
		if got := g.Way(c.outcome); got != c.want {
			t.Errorf("profile %q, %+v: %s, want %s", c.profile, c.outcome.Gets, got, c.want)
		}
	}
}

func TestThePersonKnowsTheDeviceBest(t *testing.T) {
	t.Parallel()
	const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
	for _, c := range []struct {
		chosen, userAgent string
		want              links.Device
	}{
		{"", iPhone, links.IPhone},
		{"android", iPhone, links.Android},
		{"toaster", iPhone, links.IPhone},
		{"", "WhatsApp/2.24", links.Other},
		{"", "", links.Other},
	} {
		if got := guide.Device(c.chosen, c.userAgent); got != c.want {
			t.Errorf("%q with %q is %q, want %q", c.chosen, c.userAgent, got, c.want)
		}
	}
}
