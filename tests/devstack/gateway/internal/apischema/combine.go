package apischema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

func (s *Schema) checkCombinations(value any) string {
	for i, sub := range s.allOf {
		if problem := sub.Check(value); problem != "" {
			return fmt.Sprintf("allOf %d failed: %s", i+1, problem)
		}
	}
	fits := func(sub *Schema) bool { return sub.Check(value) == "" }
	if len(s.anyOf) > 0 && !slices.ContainsFunc(s.anyOf, fits) {
		if len(s.anyOfRequired) > 0 {
			return "object matches none of the required: " + strings.Join(s.anyOfRequired, " or ")
		}
		return "object matches none of the required"
	}
	if problem := s.checkOneOf(fits); problem != "" {
		return problem
	}
	if problem := s.checkCondition(fits); problem != "" {
		return problem
	}
	if s.not != nil && fits(s.not) {
		return "value wasn't supposed to match schema"
	}
	if problem := s.checkFormat(value); problem != "" {
		return problem
	}
	if len(s.constant) > 0 && !reflect.DeepEqual(s.constant[0], value) {
		return "failed to check const value"
	}
	return ""
}

func (s *Schema) checkOneOf(fits func(*Schema) bool) string {
	if len(s.oneOf) == 0 {
		return ""
	}
	matched := 0
	for i, sub := range s.oneOf {
		if !fits(sub) {
			continue
		}
		if matched > 0 {
			return fmt.Sprintf("value should match only one schema, but matches both schemas %d and %d", matched, i+1)
		}
		matched = i + 1
	}
	if matched == 0 {
		return "value should match only one schema, but matches none"
	}
	return ""
}

func (s *Schema) checkCondition(fits func(*Schema) bool) string {
	if s.condition == nil {
		return ""
	}
	matched := fits(s.condition)
	if matched && s.then != nil && !fits(s.then) {
		return "then clause did not match"
	}
	if !matched && s.otherwise != nil && !fits(s.otherwise) {
		return "else clause did not match"
	}
	return ""
}
