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
