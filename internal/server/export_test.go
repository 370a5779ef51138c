package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// RoutesOf are the routes of a listener's handler.
func RoutesOf(h http.Handler) []*echo.Route {
	return h.(*outer).routes.Routes()
}
