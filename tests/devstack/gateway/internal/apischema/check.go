package apischema

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Check gives what is wrong with a value (as encoding/json gives it), "" when nothing is. It fills the schema's defaults
// into the value, as APISIX does before a plugin's own checks: pass a copy.
func (s *Schema) Check(value any) string {
	if s.never {
		return "expect false always"
	}
	if s.isReference(value) {
		return ""
	}
	for _, check := range []func(any) string{s.checkType, s.checkObject, s.checkArray, s.checkScalar, s.checkCombinations} {
		if problem := check(value); problem != "" {
			return problem
		}
	}
	return ""
}

// isReference says whether the value is a reference to a secret or to the environment, which APISIX does not check.
func (s *Schema) isReference(value any) bool {
	if len(s.types) > 0 && !slices.Equal(s.types, []string{"string"}) {
		return false
	}
	text, ok := value.(string)
	return ok && IsSecretReference(text)
}

// IsSecretReference says whether APISIX takes the text for `$secret://...` or `$env://...` (any letter case for the latter).
func IsSecretReference(text string) bool {
	return strings.HasPrefix(text, "$secret://") || strings.HasPrefix(strings.ToUpper(text), "$ENV://")
}

func (s *Schema) checkType(value any) string {
	if len(s.types) == 0 || slices.ContainsFunc(s.types, func(t string) bool { return isType(value, t) }) {
		return ""
	}
	if len(s.types) == 1 {
		return fmt.Sprintf("wrong type: expected %s, got %s", s.types[0], luaType(value))
	}
	return fmt.Sprintf("wrong type: expected one of %s, got %s", strings.Join(s.types, ", "), luaType(value))
}

func isType(value any, jsonType string) bool {
	switch v := value.(type) {
	case map[string]any:
		return jsonType == "object" || jsonType == "array" && len(v) == 0
	case []any:
		return jsonType == "array" || jsonType == "object" && len(v) == 0
	case float64:
		return jsonType == "number" || jsonType == "integer" && math.Mod(v, 1) == 0
	case string:
		return jsonType == "string"
	case bool:
		return jsonType == "boolean"
	}
	return jsonType == "null"
}

// luaType is the type's name in APISIX's messages.
func luaType(value any) string {
	switch value.(type) {
	case map[string]any, []any:
		return "table"
	case float64:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	}
	return "userdata"
}

func (s *Schema) checkArray(value any) string {
	array, ok := value.([]any)
	if !ok {
		object, isObject := value.(map[string]any)
		if !isObject || len(object) > 0 {
			return ""
		}
	}
	if s.minItems >= 0 && len(array) < s.minItems {
		return fmt.Sprintf("expect array to have at least %d items", s.minItems)
	}
	if s.maxItems >= 0 && len(array) > s.maxItems {
		return fmt.Sprintf("expect array to have at most %d items", s.maxItems)
	}
	if s.items != nil {
		for i, item := range array {
			if problem := s.items.Check(item); problem != "" {
				return fmt.Sprintf("failed to validate item %d: %s", i+1, problem)
			}
		}
	}
	if s.uniqueItems {
		for i := range array {
			for j := range i {
				if reflect.DeepEqual(array[i], array[j]) {
					return fmt.Sprintf("expected unique items but items %d and %d are equal", j+1, i+1)
				}
			}
		}
	}
	return s.checkContains(array)
}

func (s *Schema) checkContains(array []any) string {
	if s.contains == nil {
		return ""
	}
	if len(array) == 0 {
		return "check contains: empty array is invalid"
	}
	if slices.ContainsFunc(array, func(item any) bool { return s.contains.Check(item) == "" }) {
		return ""
	}
	return "failed to check contains"
}

func (s *Schema) checkScalar(value any) string {
	switch v := value.(type) {
	case string:
		if problem := s.checkString(v); problem != "" {
			return problem
		}
	case float64:
		for _, r := range s.ranges {
			if r.fails(v, r.bound) {
				return fmt.Sprintf("expected %s to be %s %s", number(v), r.words, number(r.bound))
			}
		}
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, func(e any) bool { return reflect.DeepEqual(e, value) }) {
		return "matches none of the enum values"
	}
	return ""
}

func (s *Schema) checkString(v string) string {
	length := utf8.RuneCountInString(v)
	if s.minLength >= 0 && length < s.minLength {
		return fmt.Sprintf("string too short, expected at least %d, got %d", s.minLength, length)
	}
	if s.maxLength >= 0 && length > s.maxLength {
		return fmt.Sprintf("string too long, expected at most %d, got %d", s.maxLength, length)
	}
	if s.pattern != nil && !s.pattern.Matches(v) {
		return fmt.Sprintf("failed to match pattern %s with %s", quote(s.patternText), quote(v))
	}
	return ""
}

func (s *Schema) checkFormat(value any) string {
	text, ok := value.(string)
	if !ok || s.format == "" {
		return ""
	}
	address, err := netip.ParseAddr(text)
	valid := err == nil && (s.format == "ipv4" && address.Is4() || s.format == "ipv6" && address.Is6() && address.Zone() == "")
	if valid {
		return ""
	}
	return fmt.Sprintf("expect valid %s format but got: %s", s.format, text)
}
