package apischema

import (
	"fmt"
	"maps"
	"slices"
)

func (s *Schema) checkObject(value any) string {
	object, ok := value.(map[string]any)
	if array, isArray := value.([]any); isArray && len(array) == 0 {
		object, ok = map[string]any{}, true
	}
	if !ok {
		return ""
	}
	for _, check := range []func(map[string]any) string{s.checkProperties, s.checkDependencies, s.checkOthers} {
		if problem := check(object); problem != "" {
			return problem
		}
	}
	if s.minProperties >= 0 && len(object) < s.minProperties {
		return fmt.Sprintf("expect object to have at least %d properties", s.minProperties)
	}
	if s.maxProperties >= 0 && len(object) > s.maxProperties {
		return fmt.Sprintf("expect object to have at most %d properties", s.maxProperties)
	}
	return ""
}

func (s *Schema) checkProperties(object map[string]any) string {
	for _, p := range s.properties {
		value, present := object[p.name]
		switch {
		case present:
			if problem := p.schema.Check(value); problem != "" {
				return fmt.Sprintf("property %s validation failed: %s", quote(p.name), problem)
			}
		case p.required:
			return fmt.Sprintf("property %s is required", quote(p.name))
		case p.fallback != nil:
			// minProperties counts the defaults too.
			object[p.name] = Copy(p.fallback)
		}
	}
	for _, name := range s.required {
		if _, present := object[name]; !present {
			return fmt.Sprintf("property %s is required", quote(name))
		}
	}
	return ""
}

func (s *Schema) checkDependencies(object map[string]any) string {
	for _, d := range s.dependencies {
		if _, present := object[d.name]; !present {
			continue
		}
		for _, name := range d.names {
			if _, present := object[name]; !present {
				return fmt.Sprintf("property %s is required when %s is set", quote(name), quote(d.name))
			}
		}
		if d.schema != nil {
			if problem := d.schema.Check(object); problem != "" {
				return fmt.Sprintf("failed to validate dependent schema for %s: %s", quote(d.name), problem)
			}
		}
	}
	return ""
}

// checkOthers checks patternProperties and additionalProperties.
func (s *Schema) checkOthers(object map[string]any) string {
	if len(s.patterns) == 0 && !s.closed && s.additional == nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		matched := false
		for _, p := range s.patterns {
			if !p.regex.Matches(name) {
				continue
			}
			matched = true
			if problem := p.schema.Check(object[name]); problem != "" {
				return fmt.Sprintf("failed to validate %s (matching %s): %s", name, quote(p.text), problem)
			}
		}
		if matched || s.known[name] {
			continue
		}
		if s.closed {
			return "additional properties forbidden, found " + name
		}
		if s.additional != nil {
			if problem := s.additional.Check(object[name]); problem != "" {
				return fmt.Sprintf("failed to validate additional property %s: %s", name, problem)
			}
		}
	}
	return ""
}
