package nginx

import "testing"

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ why, path, want string }{
		{"as it is", "/a/b", "/a/b"},
		{"the root", "/", "/"},
		{"slashes are merged", "//a///b", "/a/b"},
		{"a slash at the end stays", "/a//", "/a/"},
		{"decoded once", "/a%2525", "/a%25"},
		{"an encoded slash is a slash", "/a%2Fb", "/a/b"},
		{"encoded slashes are merged too", "/a/%2F/b", "/a/b"},
		{"a dot segment", "/a/./b", "/a/b"},
		{"a dot segment at the end leaves the slash", "/a/.", "/a/"},
		{"up", "/a/b/../c", "/a/c"},
		{"up at the end leaves the slash", "/a/b/..", "/a/"},
		{"encoded dots go up too", "/a/%2e%2e/b", "/b"},
		{"a plus is a plus", "/a+b", "/a+b"},
		{"other letters", "/%E4%BD%A0", "/你"},
	} {
		t.Run(test.why, func(t *testing.T) {
			got, err := Normalize(test.path)
			if err != nil || got != test.want {
				t.Errorf("%s: got %q, %v, want %q", test.path, got, err, test.want)
			}
		})
	}
	for _, bad := range []string{"/..", "/a/../..", "/%", "/%zz", "/%00", "a", ""} {
		if got, err := Normalize(bad); err == nil {
			t.Errorf("%q is accepted: %q", bad, got)
		}
	}
}

func TestEscape(t *testing.T) {
	for path, want := range map[string]string{
		"/a b":     "/a%20b",
		"/a+b":     "/a+b",
		"/a?b#c%d": "/a%3Fb%23c%25d",
		"/你":       "/%E4%BD%A0",
		"/a\r\nb":  "/a%0D%0Ab",
		`/"<>{|}`:  "/%22%3C%3E%7B%7C%7D",
		"/~!$&'()": "/~!$&'()",
	} {
		if got := Escape(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
