package reading

import "strings"

// child is the first element of a name directly below, nil for none.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// below is the first element of a name at any depth, in the document's order.
func (e *element) below(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
		if found := c.below(name); found != nil {
			return found
		}
	}
	return nil
}

// kind is the value of the attribute type; "" where there is none.
func (e *element) kind() string {
	for _, a := range e.attributes {
		if a.name == "type" {
			return a.value
		}
	}
	return ""
}

// walk goes through an element as a reader of events does: its start, what is in it, its
// end. A text is never empty, and comments don't cut it.
func (e *element) walk(v visitor) error {
	if err := v.start(e); err != nil {
		return err
	}
	done := 0
	say := func(to int) error {
		text := e.text[done:to]
		if done = to; text == "" {
			return nil
		}
		return v.text(text)
	}
	for _, c := range e.children {
		if err := say(c.at); err != nil {
			return err
		}
		if err := c.walk(v); err != nil {
			return err
		}
	}
	if err := say(len(e.text)); err != nil {
		return err
	}
	v.end(e)
	return nil
}

type visitor interface {
	start(e *element) error
	text(text string) error
	end(e *element)
}

// textBelow is all text in an element, in the document's order. Texts of nothing but
// blanks are left out.
func (e *element) textBelow() string {
	var out collector
	_ = e.walk(&out)
	return out.String()
}

type collector struct{ strings.Builder }

func (*collector) start(*element) error { return nil }
func (*collector) end(*element)         {}

func (c *collector) text(text string) error {
	if strings.TrimSpace(text) != "" {
		_, _ = c.WriteString(text)
	}
	return nil
}
