// Package apischema checks objects against APISIX's own JSON schemas and says what is wrong in APISIX's words.
//
// It is a validator of its own, and not a library, for the sake of likeness: APISIX's dialect differs from the standard
// (an empty array is an empty object, null is 'userdata', a whole float is an integer, a `$env://` string is never
// checked, defaults are filled in while checking), and the text of the first error is what a user reads.
package apischema

import (
	"fmt"
	"maps"
	"slices"

	"devstack/gateway/internal/pcre"
)

// Schema is a compiled JSON schema.
type Schema struct {
	never         bool // the schema `false`
	types         []string
	properties    []property
	known         map[string]bool
	required      []string // those without a property of their own
	dependencies  []dependency
	patterns      []patternProperty
	closed        bool    // additionalProperties: false
	additional    *Schema // additionalProperties as a schema
	minProperties int     // -1: none; so are the other bounds
	maxProperties int
	items         *Schema
	minItems      int
	maxItems      int
	uniqueItems   bool
	contains      *Schema
	minLength     int
	maxLength     int
	pattern       *pcre.Regex
	patternText   string
	ranges        []numberRange
	enum          []any
	constant      []any // one value, where there is one
	format        string
	allOf         []*Schema
	anyOf         []*Schema
	anyOfRequired []string // the `required` lists of anyOf, for the message
	oneOf         []*Schema
	not           *Schema
	condition     *Schema
	then          *Schema
	otherwise     *Schema
}

type property struct {
	name     string
	schema   *Schema
	required bool
	fallback any
}

type dependency struct {
	name   string
	names  []string
	schema *Schema
}

type patternProperty struct {
	text   string
	regex  *pcre.Regex
	schema *Schema
}

type numberRange struct {
	bound float64
	words string
	fails func(value, bound float64) bool
}

// Compile compiles a schema as encoding/json gives it.
func Compile(raw any) (*Schema, error) {
	switch raw := raw.(type) {
	case bool:
		s := unbounded()
		s.never = !raw
		return s, nil
	case map[string]any:
		c := compiler{}
		s := c.object(raw)
		return s, c.err
	}
	return nil, fmt.Errorf("a schema is an object or a boolean, not %T", raw)
}

func unbounded() *Schema {
	return &Schema{minProperties: -1, maxProperties: -1, minItems: -1, maxItems: -1, minLength: -1, maxLength: -1}
}

// compiler keeps the first error, so that the code below reads straight on.
type compiler struct{ err error }

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *compiler) schema(raw any) *Schema {
	if raw == nil {
		return nil
	}
	s, err := Compile(raw)
	if err != nil {
		c.fail("%w", err)
	}
	return s
}

func (c *compiler) list(raw any) []*Schema {
	list, _ := raw.([]any)
	schemas := make([]*Schema, 0, len(list))
	for _, item := range list {
		schemas = append(schemas, c.schema(item))
	}
	return schemas
}

func (c *compiler) bound(raw any) int {
	if n, ok := raw.(float64); ok {
		return int(n)
	}
	return -1
}

func (c *compiler) regex(text string) *pcre.Regex {
	regex, err := pcre.Compile(text, false)
	if err != nil {
		c.fail("%w", err)
	}
	return regex
}

func (c *compiler) object(raw map[string]any) *Schema {
	s := unbounded()
	switch types := raw["type"].(type) {
	case string:
		s.types = []string{types}
	case []any:
		s.types = stringsOf(types)
	}
	c.objectKeywords(s, raw)
	c.valueKeywords(s, raw)
	c.combinations(s, raw)
	return s
}

func (c *compiler) objectKeywords(s *Schema, raw map[string]any) {
	required := stringsOf(raw["required"])
	properties, _ := raw["properties"].(map[string]any)
	s.known = make(map[string]bool, len(properties))
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p := property{name: name, schema: c.schema(properties[name]), required: slices.Contains(required, name)}
		if sub, ok := properties[name].(map[string]any); ok {
			p.fallback = sub["default"]
		}
		s.known[name] = true
		s.properties = append(s.properties, p)
	}
	for _, name := range required {
		if !s.known[name] {
			s.required = append(s.required, name)
		}
	}
	dependencies, _ := raw["dependencies"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(dependencies)) {
		d := dependency{name: name, names: stringsOf(dependencies[name])}
		if len(d.names) == 0 {
			d.schema = c.schema(dependencies[name])
		}
		s.dependencies = append(s.dependencies, d)
	}
	patterns, _ := raw["patternProperties"].(map[string]any)
	for _, text := range slices.Sorted(maps.Keys(patterns)) {
		s.patterns = append(s.patterns, patternProperty{text, c.regex(text), c.schema(patterns[text])})
	}
	if open, ok := raw["additionalProperties"].(bool); ok {
		s.closed = !open
	} else {
		s.additional = c.schema(raw["additionalProperties"])
	}
	s.minProperties, s.maxProperties = c.bound(raw["minProperties"]), c.bound(raw["maxProperties"])
}

func (c *compiler) valueKeywords(s *Schema, raw map[string]any) {
	s.items = c.schema(raw["items"])
	s.minItems, s.maxItems = c.bound(raw["minItems"]), c.bound(raw["maxItems"])
	s.uniqueItems, _ = raw["uniqueItems"].(bool)
	s.contains = c.schema(raw["contains"])
	s.minLength, s.maxLength = c.bound(raw["minLength"]), c.bound(raw["maxLength"])
	if text, ok := raw["pattern"].(string); ok {
		s.patternText, s.pattern = text, c.regex(text)
	}
	for _, r := range []struct {
		keyword, words string
		fails          func(value, bound float64) bool
	}{
		{"minimum", "at least", func(v, b float64) bool { return v < b }},
		{"exclusiveMinimum", "greater than", func(v, b float64) bool { return v <= b }},
		{"maximum", "at most", func(v, b float64) bool { return v > b }},
		{"exclusiveMaximum", "smaller than", func(v, b float64) bool { return v >= b }},
	} {
		if bound, ok := raw[r.keyword].(float64); ok {
			s.ranges = append(s.ranges, numberRange{bound, r.words, r.fails})
		}
	}
	s.enum, _ = raw["enum"].([]any)
	if constant, ok := raw["const"]; ok {
		s.constant = []any{constant}
	}
	s.format, _ = raw["format"].(string)
}

func (c *compiler) combinations(s *Schema, raw map[string]any) {
	s.allOf, s.anyOf, s.oneOf = c.list(raw["allOf"]), c.list(raw["anyOf"]), c.list(raw["oneOf"])
	anyOf, _ := raw["anyOf"].([]any)
	for _, item := range anyOf {
		if sub, ok := item.(map[string]any); ok && sub["required"] != nil {
			s.anyOfRequired = append(s.anyOfRequired, encode(sub["required"]))
		}
	}
	s.not = c.schema(raw["not"])
	s.condition, s.then, s.otherwise = c.schema(raw["if"]), c.schema(raw["then"]), c.schema(raw["else"])
}

func stringsOf(raw any) []string {
	list, _ := raw.([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
