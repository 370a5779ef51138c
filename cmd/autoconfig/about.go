package main

import "autoconfig/settings"

// aboutFlags choose what is listed of links and messages.
type aboutFlags struct {
	Domain  string `help:"Only of this domain."`
	Address string `help:"Only of this address."`
	Limit   int    `help:"The most to list." default:"100"`
}

// filter is the chosen domain (nil for all), the key of the chosen address ("" for all) and the most to list.
func (f *aboutFlags) filter(c *call, app *application) (domains []string, key string, limit int, err error) {
	if f.Domain != "" {
		t, err := app.terms(c, f.Domain)
		if err != nil {
			return nil, "", 0, err
		}
		domains = []string{t.Name}
	}
	if f.Address != "" {
		typed, err := settings.ParseAddress(f.Address)
		if err != nil {
			return nil, "", 0, err
		}
		key = typed.Key()
	}
	return domains, key, min(max(f.Limit, 1), 1000), nil
}
