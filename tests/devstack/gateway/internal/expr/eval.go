package expr

import (
	"strconv"
	"strings"
)

// Failure is what Eval panics with where APISIX's code fails: the request is answered 500.
type Failure struct{}

// Eval says whether the expression holds for a request.
func (e *Expr) Eval(variables Variables) bool {
	switch e.logic {
	case "AND":
		return e.all(variables)
	case "!AND":
		return !e.all(variables)
	case "OR":
		return e.some(variables)
	case "!OR":
		return !e.some(variables)
	}
	return comparisons[e.operator](e, variables(e.variable)) != e.negated
}

func (e *Expr) all(variables Variables) bool {
	for _, child := range e.children {
		if !child.Eval(variables) {
			return false
		}
	}
	return true
}

func (e *Expr) some(variables Variables) bool {
	for _, child := range e.children {
		if child.Eval(variables) {
			return true
		}
	}
	return false
}

var comparisons = map[string]func(e *Expr, value any) bool{
	"==":      equal,
	"~=":      func(e *Expr, value any) bool { return !equal(e, value) },
	">":       func(e *Expr, value any) bool { return ordered(e, value, func(a, b float64) bool { return a > b }) },
	">=":      func(e *Expr, value any) bool { return ordered(e, value, func(a, b float64) bool { return a >= b }) },
	"<":       func(e *Expr, value any) bool { return ordered(e, value, func(a, b float64) bool { return a < b }) },
	"<=":      func(e *Expr, value any) bool { return ordered(e, value, func(a, b float64) bool { return a <= b }) },
	"~~":      matches,
	"~*":      matches,
	"in":      in,
	"has":     func(*Expr, any) bool { return false }, // no variable of this gateway is a list
	"ipmatch": inNetworks,
}

// inNetworks fails on an argument without a value, which is no text.
func inNetworks(e *Expr, value any) bool {
	if value == true {
		panic(Failure{})
	}
	text, ok := value.(string)
	return ok && Contains(e.networks, text)
}

// equal compares as numbers when the operand is one.
func equal(e *Expr, value any) bool {
	if _, ok := e.operand.(float64); ok {
		left, isNumber := number(value)
		return isNumber && left == e.operand
	}
	return same(value, e.operand)
}

func ordered(e *Expr, value any, holds func(a, b float64) bool) bool {
	left, leftOK := number(value)
	right, rightOK := number(e.operand)
	return leftOK && rightOK && holds(left, right)
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n, err == nil
	}
	return 0, false
}

// matches reads an argument without a value as the text "true", as Lua does, and fails without a pattern.
func matches(e *Expr, value any) bool {
	if _, isText := e.operand.(string); !isText && value != nil {
		panic(Failure{})
	}
	if value == true {
		value = "true"
	}
	text, ok := value.(string)
	return ok && e.regex != nil && e.regex.Matches(text)
}

// in never holds for what is absent, also where the list has a null.
func in(e *Expr, value any) bool {
	if value == nil {
		return false
	}
	list, _ := e.operand.([]any)
	for _, item := range list {
		if same(value, item) {
			return true
		}
	}
	return false
}

// same compares scalars; lists and objects are never the same.
func same(a, b any) bool {
	switch a.(type) {
	case nil, string, float64, bool:
		switch b.(type) {
		case nil, string, float64, bool:
			return a == b
		}
	}
	return false
}
