package guard

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// maxAnswerHeader bounds an answer's headers together.
const maxAnswerHeader = 64 << 10

// parseUpstream takes the API's address. Beyond loopback it must be https: the access
// token goes there.
func parseUpstream(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the upstream %q is not of the form https://host:port", text)
	}
	if base.Path != "" && base.Path != "/" {
		return nil, fmt.Errorf("the upstream %q has a path: the API is served from the root", text)
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && isLoopback(base.Hostname())) {
		return nil, fmt.Errorf("the upstream %q is not https, which is needed beyond loopback", text)
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newTransport connects as other programs do, proxies in the environment included, but
// never decodes an answer by itself. Redirects are followed by http.Client, which is
// not used.
func newTransport(roots *x509.CertPool) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.DisableCompression = true
	transport.MaxResponseHeaderBytes = maxAnswerHeader
	return transport
}
