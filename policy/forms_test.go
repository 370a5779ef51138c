package policy_test

import (
	"testing"

	"autoconfig/policy"
	"autoconfig/settings"
)

func TestFormsOfAMailbox(t *testing.T) {
	t.Parallel()
	none := ""
	example := &policy.Terms{Name: "example.com", Aliases: []string{"example.net", "xn--mller-kva.example"}, Common: &policy.Common{}}
	plain := &policy.Terms{Name: "plain.example", Common: &policy.Common{Offer: policy.Offer{RecipientDelimiter: &none}}}
	var forms policy.Forms
	forms.Add(example, settings.MustAddress("Office@example.net"))
	forms.Add(example, settings.MustAddress("chef+all@example.com"))
	forms.Add(plain, settings.MustAddress("office@plain.example"))
	forms.Except(settings.MustAddress("office+own@example.net"))
	for text, want := range map[string]bool{
		"office@example.com":                         true,
		"OFFICE@Example.NET":                         true,
		"office+tag@müller.example":                  true,
		`"office"@example.com`:                       true,
		`"OFFICE+tag"@example.com`:                   true,
		"chef+ALL@example.net":                       true,
		"chef@example.com":                           false,
		"chef+all+more@example.com":                  false,
		"office+own@example.com":                     false,
		`"Office+OWN"@example.com`:                   false,
		"office@plain.example":                       true,
		"office+tag@plain.example":                   false,
		"office@other.example":                       false,
		"xoffice@example.com":                        false,
		"":                                           false,
		"link 06gf3k":                                false,
		"for Office+x@example.net.":                  true,
		"(<office@example.com>)":                     true,
		"'office@example.com', ticket 7":             true,
		"mailto:office@example.com?subject=x":        true,
		"to=office@example.com":                      true,
		`the "office"@example.com of the house`:      true,
		"office@müller.example、und mehr":             true,
		"x\u00a0office@example.com":                  true,
		"not xoffice@example.com, a@b, @ or office@": false,
		"other@example.org, office@example.org":      false,
	} {
		if got := forms.In(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if (policy.Forms{}).In("office@example.com") {
		t.Error("no mailbox has an address")
	}
}
