package pcre

import (
	"errors"
	"strconv"
	"strings"
)

// Template is a replacement as ngx.re.sub takes it: $1, ${1}, $0 are groups, $$ is a dollar sign.
type Template struct {
	parts []templatePart
}

type templatePart struct {
	literal string
	group   int // -1: the literal
}

// errTemplate is OpenResty's text for a `$` that is followed by neither a number nor another `$`.
var errTemplate = errors.New("failed to compile the replacement template")

// ParseTemplate reads a replacement; named groups are an error, as they are in OpenResty.
func ParseTemplate(s string) (*Template, error) {
	t := &Template{}
	for {
		dollar := strings.IndexByte(s, '$')
		if dollar < 0 {
			t.literal(s)
			return t, nil
		}
		t.literal(s[:dollar])
		s = s[dollar+1:]
		if strings.HasPrefix(s, "$") {
			t.literal("$")
			s = s[1:]
			continue
		}
		braced := strings.HasPrefix(s, "{")
		digits := strings.TrimPrefix(s, "{")
		n := 0
		for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
			n++
		}
		group, err := strconv.Atoi(digits[:n])
		if err != nil {
			return nil, errTemplate
		}
		s = digits[n:]
		if braced {
			if !strings.HasPrefix(s, "}") {
				return nil, errTemplate
			}
			s = s[1:]
		}
		t.parts = append(t.parts, templatePart{group: group})
	}
}

func (t *Template) literal(s string) {
	if s != "" {
		t.parts = append(t.parts, templatePart{literal: s, group: -1})
	}
}

// Expand fills in the groups of a match; a group that does not exist is empty.
func (t *Template) Expand(groups []string) string {
	var out strings.Builder
	for _, part := range t.parts {
		switch {
		case part.group < 0:
			out.WriteString(part.literal)
		case part.group < len(groups):
			out.WriteString(groups[part.group])
		}
	}
	return out.String()
}
