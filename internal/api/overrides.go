package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

func (s *API) showOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	_, found, err := s.Served(c.Request().Context(), actor(c).Serves, typed)
	if err == nil && found.Override.IsZero() {
		err = directory.ErrNotFound
	}
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, found.Override)
}

// changeOverride stores an override, whole or in part. One that says nothing is none.
func (s *API) changeOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	change, err := changeIn[policy.Override](c)
	if err != nil {
		return err
	}
	o, _, err := s.admin.PutOverride(c.Request().Context(), actor(c), typed,
		func(now policy.Override) (policy.Override, error) {
			before := &now
			if now.IsZero() {
				before = nil
			}
			return change.then(func(o *policy.Override) error { return isOf(now.Address, o.Address) })(before)
		})
	change.isNew = change.isNew && !o.IsZero()
	return change.answer(o, err)
}

// isOf refuses an override for another address than the mailbox's own.
func isOf(primary, given settings.Address) error {
	if !given.IsZero() && given.Key() != primary.Key() {
		return field("address", fmt.Errorf("%w: the address in the body must be the mailbox's primary one, %s",
			errJSON, primary))
	}
	return nil
}

func (s *API) removeOverride(c echo.Context) error {
	typed, err := pathAddress(c)
	if err != nil {
		return err
	}
	err = s.admin.RemoveOverride(c.Request().Context(), actor(c), typed, asMet[policy.Override](c))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
