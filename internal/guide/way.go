package guide

import "autoconfig/clients"

// Another is the word for a program that isn't in the table.
const Another = "another"

// Choose takes the program that the person chose, by its ID or [Another]. Without a word,
// or with that of a program which the device hasn't, it is chosen for the person where a
// profile sets everything up, and else left open.
func (g *Guide) Choose(program string) {
	g.Chosen, g.Another = nil, program == Another
	for i := range g.Programs {
		if g.Programs[i].ID == program {
			g.Chosen = &g.Programs[i]
			return
		}
	}
	if !g.Another && len(g.Programs) > 0 && g.Programs[0].Profile.Has {
		g.Chosen = &g.Programs[0]
	}
}

// Leave takes the choice of a program back.
func (g *Guide) Leave() { g.Chosen, g.Another = nil, false }

// Program is the word for the program that is chosen; "" for none.
func (g *Guide) Program() string {
	switch {
	case g.Another:
		return Another
	case g.Chosen != nil:
		return g.Chosen.ID
	}
	return ""
}

// The ways by which a program comes by the account, as texts call them (setup.way.WAY).
const (
	WayItself  = "itself"
	WayProfile = "profile"
	WayHand    = "hand"
	WayNever   = "never"
)

// Way is how a program comes by the account.
func (g *Guide) Way(o clients.Outcome) string {
	switch {
	case o.Unsuitable:
		return WayNever
	case o.Profile.Has && g.Profile != "":
		return WayProfile
	case o.ByHand || o.Gets.Protocol == "":
		return WayHand
	}
	return WayItself
}
