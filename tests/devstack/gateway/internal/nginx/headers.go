package nginx

import (
	"net/http"
	"slices"
	"strings"
)

// DropInvalidHeaders takes away what nginx ignores (ignore_invalid_headers): names with anything but letters, digits, '-'
// and '_'. Neither an expression nor the node sees such a header.
func DropInvalidHeaders(header http.Header) {
	for name := range header {
		if strings.ContainsFunc(name, invalid) {
			delete(header, name)
		}
	}
}

// single are headers that nginx takes once only; of those that frame a message Go's server sees to it.
var single = []string{
	"Authorization", "Content-Range", "Expect", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since",
}

// IsAmbiguous says whether one of these is given more than once: nginx refuses such a request.
func IsAmbiguous(header http.Header) bool {
	return slices.ContainsFunc(single, func(name string) bool { return len(header[name]) > 1 })
}

func invalid(c rune) bool {
	return !(c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
}

var dashes = strings.NewReplacer("_", "-")

// HeaderKey is what headers of one variable ($http_x_a) have in common: their name in lower case, with '-' for '_'.
func HeaderKey(name string) string { return strings.ToLower(dashes.Replace(name)) }
