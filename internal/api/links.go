package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// linkBody is a link as programs see it.
type linkBody struct {
	links.Link
	State links.State `json:"state"`
	// URL is there only when the link is made.
	URL   string           `json:"url,omitempty"`
	Texts *admin.LinkTexts `json:"texts,omitempty"`
	// Message is the one in which it was sent.
	Message *post.Message `json:"message,omitempty"`
	Events  []links.Event `json:"events,omitempty"`
}

func (s *API) listLinks(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	f := links.Filter{
		Before: c.QueryParam("after"), Limit: limit, State: links.State(c.QueryParam("state")), Now: s.Now(),
	}
	if f.State != "" && !slices.Contains([]links.State{links.Open, links.Used, links.Expired, links.Revoked}, f.State) {
		return field("state", errBadFilter)
	}
	if f.MadeAfter, err = timeOf(c, "made_after"); err != nil {
		return err
	}
	if f.MadeBefore, err = timeOf(c, "made_before"); err != nil {
		return err
	}
	if f.Domains, f.Address, err = s.filtered(c); err != nil {
		return err
	}
	list, err := s.Links.Store.Links(c.Request().Context(), f)
	if err != nil {
		return directory.Unavailable(err)
	}
	page := struct {
		Links []linkBody `json:"links"`
		After string     `json:"after,omitempty"`
	}{Links: []linkBody{}}
	for _, l := range list {
		page.Links = append(page.Links, linkBody{Link: l, State: s.Links.StateOf(l)})
	}
	if len(list) == limit {
		page.After = list[limit-1].ID
	}
	return c.JSON(http.StatusOK, page)
}

// timeOf is a time that a list is bounded by; zero for none.
func timeOf(c echo.Context, name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, field(name, errBadFilter)
	}
	return t, nil
}

// linkOrder is what a program sends to have a link made.
type linkOrder struct {
	Address  settings.Address `json:"address"`
	Minutes  *int             `json:"valid_minutes"`
	Uses     int              `json:"uses"`
	Language string           `json:"language"`
	Note     string           `json:"note"`
	SendTo   settings.Address `json:"send_to"`
	ToItself bool             `json:"to_itself"`
}

// maxIdempotencyKey bounds the header's bytes.
const maxIdempotencyKey = 200

func (s *API) makeLink(c echo.Context) error {
	var o linkOrder
	if err := readJSON(c, &o); err != nil {
		return err
	}
	order, err := orderOf(c, o)
	if err != nil {
		return err
	}
	var made admin.MadeLink
	var sent *post.Message
	if o.SendTo.IsZero() {
		made, err = s.admin.MakeLink(c.Request().Context(), actor(c), order)
	} else {
		if !actor(c).May("messages:write") {
			return fmt.Errorf("%w: messages:write, for send_to", errScope)
		}
		sent = &post.Message{}
		made, *sent, err = s.admin.MailLink(c.Request().Context(), actor(c), order,
			admin.Sending{To: o.SendTo, ToItself: o.ToItself})
	}
	if err != nil {
		return ofOrder(err)
	}
	c.Response().Header().Set("Location", "/api/v1/links/"+made.ID)
	c.Response().Header().Set("Cache-Control", "no-store")
	texts := s.admin.Texts(made, web.Moment(made.ExpiresAt))
	return c.JSON(http.StatusCreated, linkBody{
		Link: made.Link, State: s.Links.StateOf(made.Link), URL: made.URL,
		Texts: &texts, Message: sent,
	})
}

func (s *API) showLink(c echo.Context) error {
	l, err := s.admin.Link(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	events, err := s.Links.Store.LinkEvents(c.Request().Context(), l.ID)
	if err != nil {
		return directory.Unavailable(err)
	}
	return c.JSON(http.StatusOK, linkBody{Link: l, State: s.Links.StateOf(l), Events: events})
}

func (s *API) revokeLink(c echo.Context) error {
	l, err := s.admin.RevokeLink(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, linkBody{Link: l, State: s.Links.StateOf(l)})
}
