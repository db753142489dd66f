//go:build cgo

package sandbox

import (
	"context"
	"fmt"
	"strings"
)

// Publish makes sure that there is a sample key, and then writes client.env, by which
// other programs know that the server serves. It is to be called by the act of
// ServeWhile. It returns the sample key's id.
func (s *Sandbox) Publish(ctx context.Context) (string, error) {
	key, err := s.ensureSampleKey(ctx)
	if err != nil {
		return "", fmt.Errorf("importing the sample key: %w", err)
	}
	pinned, err := s.server.Manifest().Marshal()
	if err != nil {
		return "", err
	}
	if err := replaceFile(s.layout.manifest(), pinned); err != nil {
		return "", fmt.Errorf("writing manifest.json: %w", err)
	}
	if err := replaceFile(s.layout.clientEnv(), []byte(s.environment(key))); err != nil {
		return "", fmt.Errorf("writing client.env: %w", err)
	}
	return key, nil
}

// environment is client.env: assignments that any POSIX shell can source, each at the
// beginning of a line, and then their export.
func (s *Sandbox) environment(sampleKey string) string {
	variables := [][2]string{
		{"DFNS_API_URL", s.URL()},
		{"DFNS_ORG_ID", string(s.account.org)},
		{"DFNS_APP_ID", s.appID()},
		{"DFNS_CRED_ID", string(s.account.credential)},
		{"DFNS_AUTH_TOKEN", s.account.token},
		{"DFNS_PRIVATE_KEY", string(s.account.privateKey)},
		{"DFNS_PRIVATE_KEY_FILE", s.layout.at(credentialFile)},
		{"KEYFERRY_KEY_ID", sampleKey},
		{"KEYFERRY_KEY_HEX_FILE", s.layout.at(sampleKeyFile)},
	}
	if s.tls {
		variables = append(variables, [2]string{"NODE_EXTRA_CA_CERTS", s.layout.at(authorityFile)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# A client's settings for the sandbox that serves now. For development only.\n")
	for _, v := range variables {
		fmt.Fprintf(&b, "%s=%s\n", v[0], quote(v[1]))
	}
	b.WriteString("export")
	for _, v := range variables {
		b.WriteString(" " + v[0])
	}
	b.WriteString("\n")
	return b.String()
}

// quote is for a POSIX shell: between single quotes everything stands for itself but
// the single quote (POSIX.1-2017, Shell Command Language 2.2.2).
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
