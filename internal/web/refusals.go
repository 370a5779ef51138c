package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// Errors of requests, whoever they are for.
var (
	ErrNoDomainName = errors.New("not a domain name")
	ErrOtherHost    = errors.New("a name that isn't this service's")
	ErrOtherOrigin  = errors.New("a request by another site's page")
	ErrBadForm      = errors.New("unexpected form")
	ErrBadText      = errors.New("a text that is not UTF-8 or has a NUL character")
	ErrTooLarge     = errors.New("request body over the limit")
	// ErrTooMany means that a client asks, or gets wrong, too much.
	ErrTooMany = errors.New("too many requests from this address")
	errPanic   = errors.New("panic")
)

// Refusal is what is told of an error, in three forms: as plain text to mail programs,
// on a page, and as problem details (RFC 9457).
type Refusal struct {
	Err    error
	Status int
	// Text is the plain text.
	Text string
	// Page is the key of the page's text.
	Page string
	// Code and Detail are those of problem details. An empty Detail is the error's own
	// text, which is then meant for those who write programs.
	Code, Detail string
	// Allow is the header of that name.
	Allow string
}

// NotHere says the same of what isn't there and of what isn't for the one who asks.
const NotHere = "There is no such thing here, or the token doesn't serve its domain."

const (
	badRequest = "staff.error.bad"
	later      = "The service can't answer now; try again in a minute."
	statusGone = 499 // what the log says where the client didn't wait
	otherHost  = "This service isn't reached by that name."
	notText    = "The request has a text that is not UTF-8, or has a NUL character."
	wentWrong  = "Something went wrong here."
)

// refusals are those of errors that any room may meet. A room's own table goes before.
var refusals = []Refusal{
	{Err: settings.ErrAddress, Status: http.StatusBadRequest, Text: "The emailaddress is not a mail address.", Page: badRequest, Code: "address"},
	{Err: ErrNoDomainName, Status: http.StatusBadRequest, Text: "That is not a domain name.", Page: badRequest, Code: "domain", Detail: "That is not a domain name."},
	{Err: ErrOtherHost, Status: http.StatusForbidden, Text: otherHost, Page: "staff.error.forbidden", Code: "host", Detail: otherHost},
	{Err: ErrOtherOrigin, Status: http.StatusForbidden, Text: "This was sent by another site.", Page: "staff.error.forbidden", Code: "origin"},
	{Err: ErrBadForm, Status: http.StatusBadRequest, Text: "What was sent is not a form of this page.", Page: badRequest, Code: "form"},
	{Err: ErrBadText, Status: http.StatusBadRequest, Text: notText, Page: badRequest, Code: "text", Detail: notText},
	{Err: ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Text: "The request is too large.", Page: badRequest, Code: "size", Detail: "A body has at most 64 KiB."},
	{Err: ErrTooMany, Status: http.StatusTooManyRequests, Text: "Too many requests; try again in a minute.", Page: "staff.busy", Code: "rate", Detail: "Too many requests; try again in a minute."},
	{Err: directory.ErrNotFound, Status: http.StatusNotFound, Text: "There is no configuration for this domain here.", Page: "staff.error.not_found", Code: "not_found", Detail: NotHere},
	{Err: directory.ErrUnavailable, Status: http.StatusServiceUnavailable, Text: later, Page: "staff.error.unavailable", Code: "unavailable", Detail: later},
	{Err: context.DeadlineExceeded, Status: http.StatusServiceUnavailable, Text: later, Page: "staff.error.unavailable", Code: "unavailable", Detail: later},
	// The client went away: Thunderbird cuts requests that lost its race.
	{Err: context.Canceled, Status: statusGone, Page: "staff.error.unavailable", Code: "gone"},
}

// RefusalOf is what is told of an error.
func (a *App) RefusalOf(table []Refusal, err error) Refusal {
	if r, found := lookUp(table, err); found {
		return r
	}
	var wrong settings.Problems
	if errors.As(err, &wrong) {
		return Refusal{Err: err, Status: http.StatusUnprocessableEntity, Text: "The request has a value that isn't allowed.", Page: badRequest, Code: "invalid", Detail: wrong.Error()}
	}
	if routed := new(echo.HTTPError); errors.As(err, &routed) {
		text := http.StatusText(routed.Code) + "."
		r := Refusal{Err: err, Status: routed.Code, Text: text, Page: badRequest, Code: "method", Detail: text}
		if routed.Code == http.StatusNotFound {
			r.Page = "staff.error.not_found"
		}
		return r
	}
	if a.DatabaseDown() { // that is why, of an error of which nothing else is known
		r, _ := lookUp(nil, directory.ErrUnavailable)
		return r
	}
	return Refusal{Err: err, Status: http.StatusInternalServerError, Text: wentWrong, Page: "staff.error.failed", Code: "internal", Detail: wentWrong}
}

// lookUp gives the first that matches.
func lookUp(table []Refusal, err error) (Refusal, bool) {
	for _, rows := range [][]Refusal{table, refusals} {
		for _, r := range rows {
			if errors.Is(err, r.Err) {
				return r, true
			}
		}
	}
	return Refusal{}, false
}

// refusing logs what is our own fault and sets the headers that all forms have.
func (a *App) refusing(table []Refusal, err error, c echo.Context) Refusal {
	r := a.RefusalOf(table, err)
	if r.Status >= http.StatusInternalServerError {
		a.LogFailure(c, r.Status, err)
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	switch r.Status {
	case http.StatusMethodNotAllowed:
		if r.Allow != "" {
			header.Set("Allow", r.Allow)
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", "60")
	}
	return r
}

// LogFailure logs a request that failed.
func (a *App) LogFailure(c echo.Context, status int, err error) {
	a.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
		slog.String("route", c.Path()), slog.Int("status", status), slog.String("error", err.Error()))
}

// deltaChatStop ends every refusal. Delta Chat's autoconfig reader ignores the
// status and takes a body without tags for a configuration without servers,
// which ends its search; an end tag that was never opened makes it go on
// (deltachat-core auto_mozilla.rs, quick-xml's check of end names).
const deltaChatStop = "\n</none>\n"

// refuse answers an error as plain text: it is echo's error handler.
func (a *App) refuse(table []Refusal, err error, c echo.Context) {
	if c.Response().Committed {
		if errors.Is(err, errPanic) {
			a.LogFailure(c, c.Response().Status, err)
			panic(http.ErrAbortHandler) // so that nobody takes what is there for whole
		}
		return
	}
	r := a.refusing(table, err, c)
	_ = Blob(c, r.Status, echo.MIMETextPlainCharsetUTF8, []byte(r.Text+deltaChatStop))
}

// wrongPage says that something didn't work.
type wrongPage struct {
	Frame
	Text string
}

// ErrorPages answers errors as pages in a frame.
func (a *App) ErrorPages(table []Refusal, frame func(echo.Context) Frame) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := guarded(next, c)
			if err == nil || c.Response().Committed {
				return err
			}
			r := a.refusing(table, err, c)
			f := frame(c)
			return a.SendPage(c, r.Status, "wrong", f, wrongPage{f, r.Page})
		}
	}
}

// problem is an error as RFC 9457 has it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code is ours, for programs; Detail is for people.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Field is the member of the body, or the parameter, that is wrong.
	Field string `json:"field,omitempty"`
	// Errors are all that is wrong with a body, with JSON pointers (RFC 6901).
	Errors []Place `json:"errors,omitempty"`
}

// Place is one thing that is wrong with a body, and where: a JSON pointer.
type Place struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// locate says where in a body something is wrong, as far as the error knows.
func (p *problem) locate(err error) {
	var wrong settings.Problems
	if placed := (interface {
		error
		Field() string
	})(nil); errors.As(err, &placed) {
		p.Field = placed.Field()
		p.Errors = []Place{{pointer(p.Field), p.Detail}}
	} else if many := (interface {
		error
		Places() []Place
	})(nil); errors.As(err, &many) {
		p.Errors = many.Places()
	} else if errors.As(err, &wrong) {
		p.Detail = ""
		for _, one := range wrong.Errors() {
			at := inBody.ReplaceAllString(one.Path, "")
			p.Errors = append(p.Errors, Place{pointer(at), one.Text})
			if p.Detail != "" {
				p.Detail += "; "
			}
			if at != "" {
				p.Detail += at + ": "
			}
			p.Detail += one.Text
		}
		p.Field = inBody.ReplaceAllString(wrong[0].Path, "")
	}
}

// inBody is what a path of a site has before the object that was sent.
var inBody = regexp.MustCompile(`^(accounts|domains|plans|providers|overrides)\[\d+\]\.?|^(account|domain|override)\.|^\$\.?`)

// pointer is a path as a JSON pointer: servers.imap[0].host is /servers/imap/0/host.
func pointer(path string) string {
	if path == "" {
		return ""
	}
	path = strings.NewReplacer("~", "~0", "/", "~1").Replace(path)
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path)
}

// ProblemDetails answers errors as RFC 9457 has them.
func (a *App) ProblemDetails(table []Refusal) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := guarded(next, c)
			if err == nil || c.Response().Committed {
				return err
			}
			r := a.refusing(table, err, c)
			if r.Status == http.StatusUnauthorized {
				c.Response().Header().Set("WWW-Authenticate", `Bearer realm="autoconfig"`)
			}
			if r.Detail == "" {
				r.Detail = err.Error()
			}
			told := problem{
				Type: "about:blank", Title: http.StatusText(r.Status), Status: r.Status, Code: r.Code, Detail: r.Detail,
			}
			told.locate(err)
			text, err := json.Marshal(told)
			if err != nil {
				return err
			}
			return Blob(c, r.Status, "application/problem+json", text)
		}
	}
}
