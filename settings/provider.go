package settings

import (
	"errors"
	"regexp"
	"time"
	_ "time/tzdata" // the same zones wherever it runs, also where the machine has none
	"unicode/utf8"
)

// Lengths of a provider's names in characters (draft-ietf-mailmaint-autoconfig,
// section 3.2; PACC has the same).
const (
	MaxProviderName      = 60
	MaxProviderShortName = 20
)

// Provider is the brand that a domain shows.
type Provider struct {
	ID           string `yaml:"id" json:"id" doc:"the word by which plans and domains refer to it"`
	Name         string `yaml:"name" json:"name" doc:"name shown to people, at most 60 characters"`
	ShortName    string `yaml:"short_name,omitempty" json:"short_name,omitempty" doc:"short name, at most 20 characters; the name if that is short enough"`
	HelpURL      string `yaml:"help_url,omitempty" json:"help_url,omitempty" doc:"https URL of the provider's help page"`
	SupportEmail string `yaml:"support_email,omitempty" json:"support_email,omitempty" doc:"address of the provider's support"`
	SupportPhone string `yaml:"support_phone,omitempty" json:"support_phone,omitempty" doc:"telephone number of the provider's support, as it is shown"`
	// Colour is six hexadecimal digits behind a #.
	Colour string `yaml:"colour,omitempty" json:"colour,omitempty" doc:"colour of the pages' head and buttons, such as \"#0a5f3c\"; the text on it is black or white, whichever can be read"`
	Logo   string `yaml:"logo,omitempty" json:"logo,omitempty" doc:"file name of the logo in the folder assets of templates_folder"`
	// Language is a BCP 47 tag.
	Language string `yaml:"language,omitempty" json:"language,omitempty" doc:"language of texts where the person's isn't known, such as de; English by default"`
	// TimeZone is a name of the IANA time zone database.
	TimeZone string `yaml:"time_zone,omitempty" json:"time_zone,omitempty" doc:"time zone of times in messages and on pages, such as Europe/Berlin; UTC by default"`
}

var (
	colour   = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.(svg|png|webp|jpg)$`)
	tag      = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Short is the short name, or the name where none is given.
func (p Provider) Short() string {
	if p.ShortName != "" {
		return p.ShortName
	}
	return firstRunes(p.Name, MaxProviderShortName)
}

// firstRunes cuts a text to at most n characters.
func firstRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// Zone is the time zone in which people are told times.
func (p Provider) Zone() *time.Location {
	if zone, err := loadZone(p.TimeZone); err == nil {
		return zone
	}
	return time.UTC // Check refuses any other
}

var errNoZone = errors.New("it is the machine's own")

// loadZone finds a zone by its name; the machine's own isn't one, since it differs
// between machines.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errNoZone
	}
	return time.LoadLocation(name)
}

// Check lists what is wrong with a provider.
func (p Provider) Check(path string) Problems {
	var problems Problems
	if p.ID == "" {
		problems.Add(path, "a provider needs an id")
	}
	if p.Name == "" {
		problems.Add(path, "provider %q needs a name", p.ID)
	}
	checkName(&problems, path+".name", p.Name, MaxProviderName)
	checkName(&problems, path+".short_name", p.ShortName, MaxProviderShortName)
	if p.HelpURL != "" {
		checkURL(&problems, path+".help_url", p.HelpURL)
	}
	if p.SupportEmail != "" {
		if _, err := ParseAddress(p.SupportEmail); err != nil {
			problems.Add(path+".support_email", "%v", err)
		}
	}
	if CheckText(p.SupportPhone) != nil || len(p.SupportPhone) > 40 {
		problems.Add(path+".support_phone", "a telephone number has at most 40 characters")
	}
	if p.Colour != "" && !colour.MatchString(p.Colour) {
		problems.Add(path+".colour", "%q is not a colour: write \"#\" and six hexadecimal digits, such as \"#0a5f3c\"",
			p.Colour)
	}
	if p.Logo != "" && !fileName.MatchString(p.Logo) {
		problems.Add(path+".logo", "%q is not valid: name a file of the folder assets that ends in .svg, .png, .webp or "+
			".jpg", p.Logo)
	}
	if p.Language != "" && !tag.MatchString(p.Language) {
		problems.Add(path+".language", "%q is not a language: write a tag such as de or pt-BR", p.Language)
	}
	if _, err := loadZone(p.TimeZone); err != nil {
		problems.Add(path+".time_zone", "%q is not a time zone: write a name of the IANA database, such as Europe/Berlin or "+
			"UTC", p.TimeZone)
	}
	return problems
}

func checkName(problems *Problems, path, name string, most int) {
	if err := CheckText(name); err != nil {
		problems.Add(path, "%v", err)
	}
	if n := utf8.RuneCountInString(name); n > most {
		problems.Add(path, "the name has %d characters, at most %d are possible", n, most)
	}
}
