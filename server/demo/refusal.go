//go:build cgo

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"keyferry/shares/recovery"
)

// exportUnsigned asks for an export as a thief of the access token would. Our client
// cannot: it signs every export.
func (s *story) exportUnsigned(ctx context.Context, id string) error {
	thief, err := recovery.New()
	if err != nil {
		return err
	}
	defer thief.Destroy()
	body, err := json.Marshal(thief.Request())
	if err != nil {
		return err
	}
	path := "/keys/" + id + "/export"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.box.URL()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.box.Token())
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return s.expectRefusal(path, response)
}

func (s *story) expectRefusal(path string, response *http.Response) error {
	var answer struct{ Message string }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&answer); err != nil {
		return fmt.Errorf("reading the refusal: %w", err)
	}
	if response.StatusCode != http.StatusForbidden {
		return fmt.Errorf("an export without a user action was answered with %s", response.Status)
	}
	s.line("request", "POST %s, with a valid access token", path)
	s.line("answer", "%s: %s", response.Status, answer.Message)
	return nil
}
