// Package nginx has what APISIX inherits from nginx: how a path is read and written, and the pages of its errors.
package nginx

import (
	"errors"
	"strings"
)

var errBadRequest = errors.New("bad request path")

// Normalize gives nginx's $uri for the path of a request line: decoded once, slashes merged, dot segments resolved. An
// encoded slash counts as a slash.
func Normalize(path string) (string, error) {
	decoded, err := unescape(path)
	if err != nil || !strings.HasPrefix(decoded, "/") {
		return "", errBadRequest
	}
	var segments []string
	parts := strings.Split(decoded[1:], "/")
	trailing := false
	for i, part := range parts {
		last := i == len(parts)-1
		switch part {
		case "", ".":
			trailing = last
		case "..":
			if len(segments) == 0 {
				return "", errBadRequest
			}
			segments = segments[:len(segments)-1]
			trailing = last
		default:
			segments = append(segments, part)
			trailing = false
		}
	}
	uri := "/" + strings.Join(segments, "/")
	if trailing && len(segments) > 0 {
		uri += "/"
	}
	return uri, nil
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errBadRequest
		}
		high, low := unhex(s[i+1]), unhex(s[i+2])
		if high < 0 || low < 0 || high+low == 0 {
			return "", errBadRequest
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

const upperHex = "0123456789ABCDEF"

// Escape writes a path for a request line as nginx's ngx_escape_uri does.
func Escape(path string) string {
	return escapeBytes(path, func(c byte) bool {
		return c <= ' ' || c >= 0x7f || strings.IndexByte("\"#%<>?\\^`{|}", c) >= 0
	})
}

// EscapeControls escapes control characters only.
func EscapeControls(s string) string {
	return escapeBytes(s, func(c byte) bool { return c < ' ' || c == 0x7f })
}

func escapeBytes(s string, must func(byte) bool) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; must(c) {
			out.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
