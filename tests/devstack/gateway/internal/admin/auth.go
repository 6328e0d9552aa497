package admin

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
)

// Keys are the accepted admin keys; they can be changed while running.
type Keys struct {
	mu     sync.RWMutex
	admin  string
	viewer string
}

// NewKeys gives an admin key, and one that may only read ("": none).
func NewKeys(admin, viewer string) *Keys { return &Keys{admin: admin, viewer: viewer} }

// ReadKeys reads a file: the admin key in its first line, in its second one that may only read, if there is one.
func ReadKeys(path string) (*Keys, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: the admin key is expected in its first line", path)
	}
	return NewKeys(lines[0], append(lines, "")[1]), nil
}

// SetAdmin changes the admin key and gives the one before.
func (k *Keys) SetAdmin(key string) (before string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, k.admin = k.admin, key
	return before
}

// refusal says why the request may not, in APISIX's words, or "".
func (k *Keys) refusal(r *http.Request) string {
	token := r.URL.Query().Get("api_key")
	if token == "" {
		token = r.Header.Get("X-Api-Key")
	}
	if cookie, err := r.Cookie("x_api_key"); token == "" && err == nil {
		token = cookie.Value
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch {
	case token == "":
		return "missing apikey"
	case token == k.admin:
		return ""
	case k.viewer == "" || token != k.viewer:
		return "wrong apikey"
	case r.Method != http.MethodGet:
		return "invalid method for role viewer"
	}
	return ""
}
