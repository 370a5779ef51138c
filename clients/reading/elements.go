package reading

import "strings"

// child returns the first child element with a name, or nil.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// below returns the first element with a name at any depth, in document order.
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

// kind returns the value of the attribute type, or "".
func (e *element) kind() string {
	for _, a := range e.attributes {
		if a.name == "type" {
			return a.value
		}
	}
	return ""
}

// walk reports an element as a pull parser does: its start, its content, its end. Texts are
// never empty, and comments don't split them.
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

// textBelow returns all text in an element, in document order, except for blank texts.
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
