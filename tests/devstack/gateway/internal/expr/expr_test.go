package expr

import (
	"encoding/json"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

var variables = map[string]any{
	"arg_name": "json", "arg_age": "18", "arg_flag": true, "http_x_user": "Alice", "remote_addr": "10.1.2.3",
}

func TestEval(t *testing.T) {
	for _, test := range []struct {
		why, vars string
		want      bool
	}{
		{"nothing is always true", `[]`, true},
		{"equal", `[["arg_name","==","json"]]`, true},
		{"all must hold", `[["arg_name","==","json"],["arg_age",">",20]]`, false},
		{"two elements are an equality", `[["arg_name","json"]]`, true},
		{"numbers are compared as numbers", `[["arg_age",">=",18],["arg_age","<","18.5"],["arg_age","==",18]]`, true},
		{"a text is no number", `[["arg_name",">",1]]`, false},
		{"a missing variable is not equal", `[["arg_none","==","x"]]`, false},
		{"a missing variable is unequal", `[["arg_none","~=","x"]]`, true},
		{"a missing variable is null", `[["arg_none","==",null]]`, true},
		{"negated", `[["arg_name","!","==","x"]]`, true},
		{"negated, of a missing variable", `[["arg_none","!","==","x"]]`, true},
		{"a regular expression", `[["http_x_user","~~","^A"]]`, true},
		{"its letter case counts", `[["http_x_user","~~","^a"]]`, false},
		{"or does not", `[["http_x_user","~*","^alice$"]]`, true},
		{"a broken one never matches", `[["http_x_user","~~","("]]`, false},
		{"in a list", `[["arg_name","in",["xml","json"]]]`, true},
		{"what is absent is in no list", `[["arg_none","in",[null]]]`, false},
		{"in a text is never true", `[["arg_name","in","json"]]`, false},
		{"an address in a network", `[["remote_addr","ipmatch",["10.0.0.0/8"]]]`, true},
		{"an address outside", `[["remote_addr","ipmatch","192.168.0.0/16"]]`, false},
		{"an argument without a value is the text true to a regular expression", `[["arg_flag","~~","^true$"]]`, true},
		{"an argument without a value is true, not text", `[["arg_flag","==","true"]]`, false},
		{"operators in any letter case", `[["arg_name","IN",["json"]]]`, true},
		{"OR", `["OR",["arg_name","==","x"],["arg_age","==","18"]]`, true},
		{"!OR", `["!OR",["arg_name","==","x"],["arg_age","==","18"]]`, false},
		{"!AND", `["!AND",["arg_name","==","json"],["arg_age","==","1"]]`, true},
		{"nested", `[["OR",["arg_name","==","x"],["AND",["arg_age","==","18"],["arg_name","==","json"]]]]`, true},
	} {
		t.Run(test.why, func(t *testing.T) {
			e, err := Compile(parse(t, test.vars))
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Eval(func(name string) any { return variables[name] }); got != test.want {
				t.Errorf("%s: got %v", test.vars, got)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, test := range []struct{ why, vars, want string }{
		{"an operator that there is not", `[["arg_a","nosuch","1"]]`, "invalid operator 'nosuch'"},
		{"a variable alone", `[["arg_a"]]`, "invalid expression"},
		{"no brackets around", `["arg_a","==","1"]`, "rule should be wrapped inside brackets"},
		{"an empty rule", `[[]]`, "rule too short"},
		{"an object for a rule", `[{"a":1}]`, "rule too short"},
		{"OR of one", `["OR",["arg_a","==","1"]]`, "rule too short"},
		{"four elements without !", `[["arg_a","x","==","1"]]`, "bad 'not' expression"},
		{"no address", `[["remote_addr","ipmatch",["999.1.1.1"]]]`, "invalid ip address"},
		{"no addresses at all", `[["remote_addr","ipmatch",[]]]`, "invalid ip address"},
		{"a rule inside that is wrong", `[["OR",["arg_a","==","1"],["arg_b","??","1"]]]`, "invalid operator '??'"},
	} {
		t.Run(test.why, func(t *testing.T) {
			_, err := Compile(parse(t, test.vars))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", test.vars, err, test.want)
			}
		})
	}
}

func TestEvalFails(t *testing.T) {
	for why, vars := range map[string]string{
		"a pattern that is no text":                 `[["arg_name","~~",1]]`,
		"an argument without a value as an address": `[["arg_flag","ipmatch",["10.0.0.0/8"]]]`,
	} {
		t.Run(why, func(t *testing.T) {
			e, err := Compile(parse(t, vars))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if recover() != (Failure{}) {
					t.Errorf("%s: no failure", vars)
				}
			}()
			e.Eval(func(name string) any { return variables[name] })
		})
	}
}
