package proxy

import (
	"maps"
	"net/http"
	"testing"
)

func TestCookies(t *testing.T) {
	for _, test := range []struct {
		why   string
		lines []string
		want  map[string]string
	}{
		{"none", nil, map[string]string{}},
		{"two", []string{"a=1; b=2"}, map[string]string{"a": "1", "b": "2"}},
		{"the last of a name", []string{"a=1; a=2"}, map[string]string{"a": "2"}},
		{"in two lines, too", []string{"a=1", "a=2"}, map[string]string{"a": "2"}},
		{"quotes are part of a value", []string{`a="1"`}, map[string]string{"a": `"1"`}},
		{"an empty value", []string{"a=; b=2"}, map[string]string{"a": "", "b": "2"}},
		{"no value is no cookie", []string{"a"}, map[string]string{}},
		{"it takes the next one's name along", []string{"a; b=2"}, map[string]string{"a; b": "2"}},
		{"a blank ends a value", []string{"a=1 2; b=3"}, map[string]string{"a": "1", "2; b": "3"}},
		{"a value with an equals sign", []string{"a=b=c"}, map[string]string{"a": "b=c"}},
	} {
		t.Run(test.why, func(t *testing.T) {
			q := &request{in: &http.Request{Header: http.Header{"Cookie": test.lines}}}
			if got := q.cookies(); !maps.Equal(got, test.want) {
				t.Errorf("%v: got %v, want %v", test.lines, got, test.want)
			}
		})
	}
}

func TestVariablesOfHeaders(t *testing.T) {
	for _, test := range []struct {
		why    string
		header http.Header
		name   string
		want   any
	}{
		{"a header", http.Header{"X-A": {"1"}}, "http_x_a", "1"},
		{"a dash in the variable", http.Header{"X-A": {"1"}}, "http_x-a", "1"},
		{"letter case", http.Header{"X-A": {"1"}}, "http_X_A", "1"},
		{"an underscore in the header", http.Header{"X_a": {"1"}}, "http_x_a", "1"},
		{"given twice", http.Header{"X-A": {"1", "2"}}, "http_x_a", "1, 2"},
		{"given in two spellings", http.Header{"X-A": {"1"}, "X_a": {"2"}}, "http_x_a", "1, 2"},
		{"empty", http.Header{"X-A": {""}}, "http_x_a", ""},
		{"absent", http.Header{}, "http_x_a", nil},
		{"cookies are joined as cookies", http.Header{"Cookie": {"a=1", "b=2"}}, "http_cookie", "a=1; b=2"},
	} {
		t.Run(test.why, func(t *testing.T) {
			q := &request{in: &http.Request{Header: test.header}, cached: map[string]any{}}
			if got := q.variable(test.name); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestAVariableIsLookedUpOnce(t *testing.T) {
	header := http.Header{"X-A": {"1"}}
	q := &request{in: &http.Request{Header: header}, cached: map[string]any{}}
	before, absent := q.variable("http_x_a"), q.variable("http_x_b")
	header.Set("X-A", "2")
	header.Set("X-B", "3")
	if before != "1" || absent != nil || q.variable("http_x_a") != "1" || q.variable("http_x_b") != "3" {
		t.Errorf("%v, then %v; %v, then %v", before, q.variable("http_x_a"), absent, q.variable("http_x_b"))
	}
}

func TestRequestIDIsOneOfTheRequest(t *testing.T) {
	g := &Gateway{}
	first, second := &request{gateway: g, cached: map[string]any{}}, &request{gateway: g, cached: map[string]any{}}
	one := first.variable("request_id")
	if text, _ := one.(string); len(text) != 32 || one != first.variable("request_id") || one == second.variable("request_id") {
		t.Errorf("%v", one)
	}
}

func TestVariablesWithoutAQuery(t *testing.T) {
	q := &request{in: &http.Request{}, cached: map[string]any{}}
	for name, want := range map[string]any{"is_args": "", "args": nil, "arg_": nil, "arg_a": nil} {
		if got := q.variable(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
