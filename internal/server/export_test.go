package server

import (
	"net/http"

	"autoconfig/internal/web"

	"github.com/labstack/echo/v4"
)

// RoutesOf are the routes of a listener's handler.
func RoutesOf(h http.Handler) []*echo.Route {
	return h.(*web.Handler).Routes.Routes()
}
