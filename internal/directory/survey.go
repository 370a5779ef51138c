package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Surveyor is a source that can tell what it has.
type Surveyor interface {
	// Survey looks at most at so many accounts and so many names of domains. What it
	// can't list is left out; an error is what it couldn't be asked for, beside what it
	// has found until then.
	Survey(ctx context.Context, most int) (*Survey, error)
}

// Survey is what a source has, as far as it was looked at.
type Survey struct {
	Accounts, Domains Count
	// Sample are the first accounts' own addresses.
	Sample []settings.Address
	// Plans are those that its domains name, with how many names have each; "" for none.
	// Of more than a hundred, the first.
	Plans map[string]int
	// Lost are the first that don't count and were meant to.
	Lost []Lost
	// LostMore are how many there are beside them.
	LostMore int
	// Unknown is what the queries or filters don't ask for: columns or attributes.
	Unknown []string
	// Nowhere are attributes that are asked for and that no account has.
	Nowhere []string

	most int
}

// Count is a number of accounts or names.
type Count struct {
	// Listed tells whether the source can list them.
	Listed bool
	Number int
	// More tells that there are more than were looked at.
	More bool
	// Off are those among them that are out of use.
	Off int
}

// Lost is an account or a domain that doesn't count, by what the source has in the
// place of its name.
type Lost struct{ What, Why string }

const (
	maxSample = 50
	maxLost   = 5
	maxPlans  = 100
)

// NewSurvey is an empty one.
func NewSurvey(most int) *Survey { return &Survey{most: most, Plans: map[string]int{}} }

// errSurveyed ends a survey that has seen enough.
var errSurveyed = errors.New("enough was seen")

// Enough tells whether a survey ended since it has seen what it may.
func Enough(err error) bool { return errors.Is(err, errSurveyed) }

// AddAccount notes an account, or why what is at its place is none. It gives an error
// when enough was seen.
func (s *Survey) AddAccount(what string, account policy.Account, err error) error {
	if err == nil && len(s.Sample) < maxSample {
		s.Sample = append(s.Sample, account.Address)
	}
	return s.add(&s.Accounts, what, err)
}

// AddDomain notes a domain's name, or why it is none.
func (s *Survey) AddDomain(what string, name SourceName, err error) error {
	plan := name.Domain.Plan
	if _, known := s.Plans[plan]; err == nil && (known || len(s.Plans) < maxPlans) {
		s.Plans[plan]++
	}
	return s.add(&s.Domains, what, err)
}

func (s *Survey) add(c *Count, what string, err error) error {
	if c.Number+c.Off == s.most {
		c.More = true
		return errSurveyed
	}
	switch why := (Discarded{}); {
	case err == nil:
		c.Number++
	case errors.As(err, &why) && !why.Fault:
		c.Off++
	default:
		s.Lose(what, err.Error())
	}
	return nil
}

// Lose notes what doesn't count and was meant to.
func (s *Survey) Lose(what, why string) {
	if len(s.Lost) == maxLost {
		s.LostMore++
		return
	}
	s.Lost = append(s.Lost, Lost{what, why})
}
