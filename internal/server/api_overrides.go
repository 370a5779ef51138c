package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/policy"
)

// errOutside means that an account is kept in another source.
var errOutside = errors.New("the account is kept in another source, which is only read: lay an override over it")

func (s *Server) apiOverride(c echo.Context) error {
	found, err := s.overridden(c)
	if err == nil && found.Override.IsZero() {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, found.Override)
}

// overridden finds the account of the path, wherever it is kept.
func (s *Server) overridden(c echo.Context) (directory.Found, error) {
	typed, err := pathAddress(c)
	if err != nil {
		return directory.Found{}, err
	}
	_, found, err := s.served(c, typed)
	if err == nil && !found.Known {
		err = directory.ErrNotFound
	}
	return found, err
}

func (s *Server) apiPutOverride(c echo.Context) error {
	found, err := s.overridden(c)
	if err != nil {
		return err
	}
	if found.Source == "" {
		return fmt.Errorf("%w: the account is in our own database: change the account itself", errJSON)
	}
	var o policy.Override
	if err := readJSON(c, &o); err != nil {
		return err
	}
	if !o.Address.IsZero() && o.Address.Key() != found.Account.Address.Key() {
		return fmt.Errorf("%w: the address in the body must be the mailbox's primary one, %s", errJSON, found.Account.Address)
	}
	o.Address, o.ChangedBy, o.ChangedAt, o.GoneAt = found.Account.Address, actor(c).Name, s.Now().UTC().Truncate(time.Second), time.Time{}
	if err := o.Check().Err(); err != nil {
		return err
	}
	if terms := found.Home.Terms; o.Protocol != "" && terms.Decide(o.Over(found.Account)).Refused != "" {
		return fmt.Errorf("%w: %s has no %s server", errJSON, terms.Name, o.Protocol)
	}
	if err := s.putOverride(c, o, "override changed", found); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, o)
}

func (s *Server) apiRemoveOverride(c echo.Context) error {
	found, err := s.overridden(c)
	if err == nil && found.Override.IsZero() {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	if err := s.putOverride(c, policy.Override{Address: found.Account.Address}, "override removed", found); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) putOverride(c echo.Context, o policy.Override, action string, found directory.Found) error {
	err := s.change(c, action, o.Address.String(), found.Home.Terms.Name, func(ctx context.Context) error { return s.Site.PutOverride(ctx, o) })
	if err != nil {
		return unavailable(err)
	}
	return nil
}
