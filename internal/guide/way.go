package guide

import "autoconfig/clients"

// Another stands for a program that isn't in the table.
const Another = "another"

// Choose chooses a program by its ID or [Another]. If program is empty or not one of the device, it
// chooses the first one if a profile sets it up completely, and none otherwise.
func (g *Guide) Choose(program string) {
	g.Leave()
	g.Another = program == Another
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

// Leave undoes the choice of a program.
func (g *Guide) Leave() {
	g.Chosen = nil
	g.Another = false
}

// Program is the ID of the chosen program, [Another], or "".
func (g *Guide) Program() string {
	switch {
	case g.Another:
		return Another
	case g.Chosen != nil:
		return g.Chosen.ID
	}
	return ""
}

// The ways in which a program gets the account, as named by message keys (setup.way.WAY).
const (
	WayItself  = "itself"
	WayProfile = "profile"
	WayHand    = "hand"
	WayNever   = "never"
)

// Way is how a program gets the account.
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
