package migrate

import (
	"errors"
	"fmt"
	"io"

	"autoconfig/policy"
	"autoconfig/settings"
)

// maxDomains bounds the domains of a file, as all domains of a site are in memory when they are
// validated together.
const maxDomains = 1_000_000

// ReadDomains reads a file of domains as a change that adds them or changes existing ones.
// refused are the lines that can't be read; the change has the others, so that they are
// validated as well.
func ReadDomains(
	file io.Reader, format Format, read func(lines int),
) (change SiteChange, refused []Refusal, err error) {
	in, err := readLines(file, format, domainColumns)
	if err != nil {
		return change, nil, err
	}
	var patches []patch[policy.Domain]
	change.Lines = map[string]int{}
	for n := 0; ; n++ {
		p, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return change, nil, err
		}
		if n == maxDomains {
			return change, nil, fmt.Errorf("there are more than %d domains in the file", maxDomains)
		}
		if read != nil {
			read(1)
		}
		if len(p.refused) == 0 {
			nameDomain(&p, change.Lines)
		}
		if refused = append(refused, p.refused...); len(p.refused) == 0 {
			patches = append(patches, p)
		}
	}
	change.Apply = func(site *policy.Site) []Refusal {
		at := make(map[string]int, len(site.Domains))
		for i, d := range site.Domains {
			at[d.Name] = i
		}
		for i := range patches {
			name := patches[i].value.Name
			if n, known := at[name]; known {
				site.Domains[n] = patches[i].apply(site.Domains[n], domainColumns)
				continue
			}
			at[name] = len(site.Domains)
			site.Domains = append(site.Domains, patches[i].apply(policy.Domain{}, domainColumns))
		}
		return nil
	}
	return change, refused, nil
}

// nameDomain normalises the domain's name and records its line.
func nameDomain(p *patch[policy.Domain], lines map[string]int) {
	name, err := settings.ParseDomain(p.value.Name)
	switch {
	case p.value.Name == "":
		p.refuse(p.line, "domain", "it is empty; each line is about a domain")
		return
	case err != nil:
		p.refuse(p.line, "domain", "%q is not a domain name", brief(p.value.Name))
		return
	case lines[name] > 0:
		p.refuse(p.line, "domain", "%s is already in line %d", name, lines[name])
		return
	}
	p.value.Name = name
	lines[name] = p.line
}
