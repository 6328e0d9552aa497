// Package expr evaluates APISIX's expressions: the `vars` of a route, of traffic-split's matches and of plugins' filters.
package expr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"devstack/gateway/internal/pcre"
)

// Variables gives a request's variable: a string, true for an argument without a value, or nil.
type Variables func(name string) any

// Expr is a compiled expression; the zero value is always true.
type Expr struct {
	logic    string // AND, OR, !AND, !OR; "" is a comparison
	children []*Expr
	variable string
	operator string
	negated  bool
	operand  any
	regex    *pcre.Regex
	networks []netip.Prefix
}

var (
	errInvalid  = errors.New("invalid expression")
	errTooShort = errors.New("rule too short")
)

var logicOperators = map[string]bool{"AND": true, "OR": true, "!AND": true, "!OR": true}

// Compile compiles an expression as encoding/json gives it. The errors are APISIX's texts.
func Compile(raw any) (*Expr, error) {
	rules, ok := raw.([]any)
	if !ok {
		if object, isObject := raw.(map[string]any); isObject && len(object) == 0 {
			return &Expr{logic: "AND"}, nil
		}
		return nil, errInvalid
	}
	if len(rules) == 0 {
		return &Expr{logic: "AND"}, nil
	}
	if !isTable(rules[0]) {
		word, _ := rules[0].(string)
		if !logicOperators[strings.ToUpper(word)] {
			return nil, errors.New("rule should be wrapped inside brackets")
		}
	}
	return compile(rules)
}

// isTable says whether Lua has a table for the value.
func isTable(raw any) bool {
	switch raw.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

func compile(raw any) (*Expr, error) {
	rules, ok := raw.([]any)
	if !ok || len(rules) == 0 {
		return nil, errTooShort
	}
	if isTable(rules[0]) {
		return compileChildren("AND", rules)
	}
	word, _ := rules[0].(string)
	if logic := strings.ToUpper(word); logicOperators[logic] {
		if len(rules) <= 2 {
			return nil, errTooShort
		}
		return compileChildren(logic, rules[1:])
	}
	return compileComparison(rules)
}

func compileChildren(logic string, rules []any) (*Expr, error) {
	e := &Expr{logic: logic}
	for _, rule := range rules {
		child, err := compile(rule)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, child)
	}
	return e, nil
}

// compileComparison reads [variable, operator, operand], with "!" before the operator to negate it; two elements are an
// equality, as in old versions of APISIX.
func compileComparison(rules []any) (*Expr, error) {
	e := &Expr{}
	if len(rules) == 4 {
		if rules[1] != "!" {
			return nil, errors.New("bad 'not' expression")
		}
		e.negated = true
		rules = []any{rules[0], rules[2], rules[3]}
	}
	variable, isString := rules[0].(string)
	if !isString || len(rules) < 2 {
		return nil, errInvalid
	}
	e.variable = variable
	var operator string
	switch op := rules[1].(type) {
	case string:
		operator = strings.ToLower(op)
	case float64:
		operator = fmt.Sprint(op)
	default:
		return nil, errInvalid
	}
	if len(rules) > 2 {
		e.operand = rules[2]
	} else if comparisons[operator] == nil {
		operator, e.operand = "==", operator
	}
	if comparisons[operator] == nil {
		return nil, fmt.Errorf("invalid operator '%s'", operator)
	}
	e.operator = operator
	return e, e.prepare()
}

// prepare compiles the operand where the operator has one to compile. A broken regular expression is no error here: in
// APISIX it never matches.
func (e *Expr) prepare() error {
	switch e.operator {
	case "~~", "~*":
		if text, ok := e.operand.(string); ok {
			e.regex, _ = pcre.Compile(text, e.operator == "~*")
		}
	case "ipmatch":
		var err error
		e.networks, err = ParseNetworks(e.operand)
		return err
	}
	return nil
}

// ParseNetworks reads one address or network, or a list of them.
func ParseNetworks(raw any) ([]netip.Prefix, error) {
	list, ok := raw.([]any)
	if !ok {
		list = []any{raw}
	}
	if len(list) == 0 {
		return nil, errors.New("invalid ip address")
	}
	networks := make([]netip.Prefix, 0, len(list))
	for _, item := range list {
		text, _ := item.(string)
		if text == "" {
			return nil, errors.New("invalid ip address")
		}
		if address, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("invalid ip address: %s", text)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// Contains says whether one of the networks has the address.
func Contains(networks []netip.Prefix, address string) bool {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, network := range networks {
		if network.Contains(parsed.Unmap()) {
			return true
		}
	}
	return false
}
