package health

import (
	"encoding/json"
	"net/http"
	"time"
)

// Detail is how much an answer says.
type Detail bool

// The amounts of detail.
const (
	StatusOnly  Detail = false // for strangers
	WithReasons Detail = true  // for operators: names, times and errors
)

type body struct {
	Status Status      `json:"status"`
	Checks []checkBody `json:"checks,omitempty"`
}

type checkBody struct {
	Name  string  `json:"name"`
	OK    bool    `json:"ok"`
	Took  float64 `json:"seconds"`
	Error string  `json:"error,omitempty"`
}

// Serve answers GET and HEAD of /livez and /readyz, and leaves all else to next.
//
// /livez is 200 as long as the process answers at all: restarting it helps nothing that
// /readyz complains of. /readyz is 200 if the service can do its work, also if degraded,
// and else 503.
func (c *Checker) Serve(detail Detail, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asks := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case asks && r.URL.Path == "/livez":
			write(w, http.StatusOK, body{Status: "live"})
		case asks && r.URL.Path == "/readyz":
			report := c.Check()
			write(w, statusCode(report.Status), bodyOf(report, detail))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func statusCode(s Status) int {
	if s == Unavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func bodyOf(report Report, detail Detail) body {
	b := body{Status: report.Status}
	if detail == StatusOnly {
		return b
	}
	for _, r := range report.Results {
		check := checkBody{Name: r.Name, OK: r.Err == nil, Took: r.Took.Round(time.Microsecond).Seconds()}
		if r.Err != nil {
			check.Error = r.Err.Error()
		}
		b.Checks = append(b.Checks, check)
	}
	return b
}

// write ignores that the client may have gone: there is nobody to tell.
func write(w http.ResponseWriter, status int, b body) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(b)
}
