package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"keyferry/server/fault"
)

const (
	maxMethod = 16  // longer than the methods that there are
	maxCause  = 200 // bytes of a refusal's cause
)

// log writes the request's line. Headers, bodies and queries stay out of it, tokens
// above all, and the path is there as its route's pattern only.
func (a *API) log(c *call, err error) {
	status := c.Response().Status
	attributes := []slog.Attr{
		slog.String("method", shorten(c.Request().Method, maxMethod)),
		slog.String("route", c.route),
		slog.Int("status", status),
		slog.Duration("duration", time.Since(c.begun)),
	}
	if err != nil {
		attributes = append(attributes, slog.String("error_id", c.id), slog.String("reason", string(fault.ReasonOf(err))))
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if text := operatorText(status, err); text != "" {
		attributes = append(attributes, slog.String("error", text))
	}
	a.Log.LogAttrs(c.context(), level, "request", attributes...)
}

// operatorText is all that is known of the service's own trouble, and of a refusal
// its cause: the refusal itself may repeat names that the client chose.
func operatorText(status int, err error) string {
	f, refused := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return ""
	case status >= http.StatusInternalServerError || !refused:
		return err.Error()
	case f.Cause != nil:
		return shorten(f.Cause.Error(), maxCause)
	}
	return ""
}

// shorten cuts what a client may have made long.
func shorten(text string, length int) string {
	return strings.ToValidUTF8(text[:min(length, len(text))], "")
}
