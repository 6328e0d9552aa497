package nginx

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

func TestDropInvalidHeaders(t *testing.T) {
	header := http.Header{"X-A": {"1"}, "X_a": {"2"}, "9a": {"3"}, "X.a": {"4"}, "X!a": {"5"}, "X~a": {"6"}, "Ä": {"7"}}
	DropInvalidHeaders(header)
	if left := slices.Sorted(maps.Keys(header)); !slices.Equal(left, []string{"9a", "X-A", "X_a"}) {
		t.Errorf("%v are left", left)
	}
}

func TestIsAmbiguous(t *testing.T) {
	for name, want := range map[string]bool{"Authorization": true, "If-Match": true, "X-A": false, "User-Agent": false} {
		if got := IsAmbiguous(http.Header{name: {"1", "2"}}); got != want {
			t.Errorf("%s twice: %v", name, got)
		}
		if IsAmbiguous(http.Header{name: {"1"}}) {
			t.Errorf("%s once", name)
		}
	}
}
