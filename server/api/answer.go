package api

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/useraction"
)

// call is one request, with what has been found out about it. The audit entry of a
// refusal says as much of it as was known by then.
type call struct {
	echo.Context
	id        string // of the error, if there is one: in the answer, the log and the record
	begun     time.Time
	route     string // the pattern of the route; empty until a handler was found
	principal identity.Principal
	key       keyring.KeyID // that the path names
	proof     useraction.Proof
}

func (c *call) context() context.Context { return c.Request().Context() }

// path is the normal form that was routed.
func (c *call) path() string { return c.Request().URL.Path }

// answer is the frame around every request, unknown paths included. It gives exactly
// one answer and leaves nothing to the router's own error handling.
func (a *API) answer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(routed echo.Context) error {
		c := &call{Context: routed, id: identity.NewID("er"), begun: time.Now()}
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		err := guarded(next, c)
		if err != nil && !c.Response().Committed {
			err = a.record(c, err)
			renderFault(c, err)
		}
		a.log(c, err)
		return nil
	}
}

// guarded calls the handler that the router found, and makes an error of this package
// of whatever else can happen there, a panic included.
func guarded(next echo.HandlerFunc, c *call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	// The router names the methods of a path when it has another one than was asked
	// for. It would answer OPTIONS by itself, without a JSON object.
	if allow, ok := c.Get(echo.ContextKeyHeaderAllow).(string); ok {
		c.Response().Header().Set("Allow", strings.TrimPrefix(allow, "OPTIONS, "))
		return errMethod
	}
	if err = next(c); errors.Is(err, echo.ErrNotFound) {
		return errPath
	}
	return err
}
