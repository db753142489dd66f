package guard

import (
	"net/http"
	"strings"
)

// requestHeader returns the headers to send on. No encoding of the answer is asked for,
// since the guard has to read it.
func requestHeader(from http.Header) http.Header {
	header := endToEnd(from)
	header.Del("Expect") // the body has arrived
	header.Set("Accept-Encoding", "identity")
	if _, said := header["User-Agent"]; !said {
		header["User-Agent"] = nil // or net/http would add its own
	}
	return header
}

// answerHeader returns the headers to give to the client. Left out is what tells it to
// use another address from now on, and what is the guard's own to say.
func answerHeader(from http.Header) http.Header {
	header := endToEnd(from)
	header.Del("Alt-Svc") // RFC 7838
	header.Del(leftOutHeader)
	return header
}

// endToEnd leaves out what is between two neighbours only (RFC 9110 §7.6.1), and the
// body's length, which is given anew.
func endToEnd(from http.Header) http.Header {
	header := from.Clone()
	for _, value := range from.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length",
	} {
		header.Del(name)
	}
	return header
}
