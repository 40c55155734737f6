package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// The engine may run whole builds inside one query, so the bound is generous; it only has to exist.
const queryTimeout = 30 * time.Minute

type object = map[string]any

// query sends one GraphQL document to the engine's session and returns its data. Port and token are in the
// environment of every process that the engine starts with access to itself.
func query(document string, variables object) (object, error) {
	port, token := os.Getenv("DAGGER_SESSION_PORT"), os.Getenv("DAGGER_SESSION_TOKEN")
	if port == "" || token == "" {
		return nil, errors.New("DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN are not set: the engine starts this program, nobody else")
	}
	body, err := json.Marshal(object{"query": document, "variables": variables})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+port+"/query", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(token, "")
	request.Header.Set("Content-Type", "application/json")
	if parent := os.Getenv("TRACEPARENT"); parent != "" {
		request.Header.Set("Traceparent", parent)
	}
	response, err := (&http.Client{Timeout: queryTimeout}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Data   object
		Errors []struct {
			Message    string
			Extensions object
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("engine answered %s with no JSON: %w", response.Status, err)
	}
	if len(answer.Errors) > 0 {
		return nil, queryError{answer.Errors[0].Message, answer.Errors[0].Extensions}
	}
	return answer.Data, nil
}

// queryError keeps the extensions (for a failed command: its exit code, stdout, stderr) so that they reach the user.
type queryError struct {
	message    string
	extensions object
}

func (e queryError) Error() string {
	lines := []string{e.message}
	for _, stream := range []string{"stdout", "stderr"} {
		if text, ok := e.extensions[stream].(string); ok && strings.TrimSpace(text) != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}

// at follows a dotted path through nested objects; a missing step gives "".
func at(data any, path string) string {
	for _, key := range strings.Split(path, ".") {
		fields, ok := data.(object)
		if !ok {
			return ""
		}
		data = fields[key]
	}
	text, _ := data.(string)
	return text
}

func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
