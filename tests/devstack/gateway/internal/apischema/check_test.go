package apischema

import (
	"encoding/json"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw
}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ why, schema, value, want string }{
		{"a type", `{"type":"string"}`, `1`, "wrong type: expected string, got number"},
		{"one of several types", `{"type":["string","array"]}`, `true`, "wrong type: expected one of string, array, got boolean"},
		{"an empty array is an empty object", `{"type":"object"}`, `[]`, ""},
		{"and the other way round", `{"type":"array"}`, `{}`, ""},
		{"an array is no object", `{"type":"object"}`, `[1]`, "wrong type: expected object, got table"},
		{"null is userdata", `{"type":"string"}`, `null`, "wrong type: expected string, got userdata"},
		{"a whole float is an integer", `{"type":"integer"}`, `1.0`, ""},
		{"another float is not", `{"type":"integer"}`, `1.5`, "wrong type: expected integer, got number"},
		{"a secret is not checked", `{"type":"string","pattern":"^a$"}`, `"$env://X"`, ""},
		{"in any letter case", `{"type":"string","pattern":"^a$"}`, `"$Env://X"`, ""},
		{"a secret is no number", `{"type":"integer"}`, `"$env://X"`, "wrong type: expected integer, got string"},
		{"a nested property", `{"properties":{"a":{"properties":{"b":{"minimum":1}}}}}`, `{"a":{"b":0}}`,
			`property "a" validation failed: property "b" validation failed: expected 0 to be at least 1`},
		{"greater than", `{"exclusiveMinimum":0}`, `0`, "expected 0 to be greater than 0"},
		{"a required property", `{"required":["a"]}`, `{}`, `property "a" is required`},
		{"an unknown property", `{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"x":1}`,
			"additional properties forbidden, found x"},
		{"other properties have a schema", `{"additionalProperties":{"type":"string"}}`, `{"x":1}`,
			"failed to validate additional property x: wrong type: expected string, got number"},
		{"a pattern of properties", `{"patternProperties":{".*":{"minLength":1}}}`, `{"a":""}`,
			`failed to validate a (matching ".*"): string too short, expected at least 1, got 0`},
		{"a dependency", `{"dependencies":{"a":{"required":["b"]}}}`, `{"a":1}`,
			`failed to validate dependent schema for "a": property "b" is required`},
		{"defaults count as properties", `{"properties":{"a":{"default":false}},"minProperties":1}`, `{}`, ""},
		{"too few properties", `{"minProperties":1}`, `{}`, "expect object to have at least 1 properties"},
		{"items count from one", `{"items":{"enum":["a"]}}`, `["a","b"]`,
			"failed to validate item 2: matches none of the enum values"},
		{"equal items", `{"uniqueItems":true}`, `["a","b","a"]`, "expected unique items but items 1 and 3 are equal"},
		{"too few items", `{"minItems":2}`, `[1]`, "expect array to have at least 2 items"},
		{"length in characters", `{"maxLength":2}`, `"名前"`, ""},
		{"a pattern, quoted as Lua does", `{"pattern":"^\\S+$"}`, `"b c"`, `failed to match pattern "^\\S+$" with "b c"`},
		{"an address with a zone", `{"format":"ipv6"}`, `"fe80::1%eth0"`, "expect valid ipv6 format but got: fe80::1%eth0"},
		{"an address", `{"format":"ipv4"}`, `"999.1.1.1"`, "expect valid ipv4 format but got: 999.1.1.1"},
		{"any of, by what they require", `{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`,
			`object matches none of the required: ["a"] or ["b"]`},
		{"one of, none", `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`,
			"value should match only one schema, but matches none"},
		{"one of, two", `{"oneOf":[{"required":["a"]},{},{"required":["b"]}]}`, `{"a":1}`,
			"value should match only one schema, but matches both schemas 1 and 2"},
		{"all of", `{"allOf":[{},{"type":"string"}]}`, `1`, "allOf 2 failed: wrong type: expected string, got number"},
		{"not", `{"not":{"type":"string"}}`, `"x"`, "value wasn't supposed to match schema"},
		{"if and then", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, "then clause did not match"},
		{"if and else", `{"if":{"required":["a"]},"else":{"required":["b"]}}`, `{}`, "else clause did not match"},
		{"the schema false", `{"properties":{"a":false}}`, `{"a":1}`, `property "a" validation failed: expect false always`},
	} {
		t.Run(test.why, func(t *testing.T) {
			schema, err := Compile(parse(t, test.schema))
			if err != nil {
				t.Fatal(err)
			}
			if got := schema.Check(parse(t, test.value)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestCheckFillsInDefaults(t *testing.T) {
	schema, err := Compile(parse(t, `{"properties":{"a":{"default":"*"},"b":{"properties":{"c":{"default":[1]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	value := parse(t, `{"b":{}}`)
	if problem := schema.Check(value); problem != "" {
		t.Fatal(problem)
	}
	if got := encode(value); got != `{"a":"*","b":{"c":[1]}}` {
		t.Errorf("got %s", got)
	}
}

func TestLoad(t *testing.T) {
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Plugins) < 100 {
		t.Errorf("%d plugins: APISIX 3.18 has 107", len(set.Plugins))
	}
	for name, plugin := range set.Plugins {
		if problem := plugin.Schema.Check(parse(t, `{"_meta":{"disable":"x"}}`)); problem == "" {
			t.Errorf("%s does not check _meta", name)
		}
	}
	problem := set.Upstream.Check(parse(t, `{"type":"roundrobin","nodes":{"127.0.0.1:1":"1"}}`))
	if !strings.Contains(problem, `property "nodes"`) {
		t.Errorf("a weight that is a text: %q", problem)
	}
}
