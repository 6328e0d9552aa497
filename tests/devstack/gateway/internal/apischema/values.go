package apischema

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Copy gives a deep copy of a JSON value.
func Copy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = Copy(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Copy(item)
		}
		return out
	}
	return value
}

// number writes a number as Lua does: at most 14 significant digits.
func number(v float64) string {
	return strconv.FormatFloat(v, 'g', 14, 64)
}

var luaQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", "\\\n", "\r", `\r`, "\x00", `\0`)

// quote writes a string as Lua's %q does.
func quote(s string) string { return `"` + luaQuotes.Replace(s) + `"` }

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}
