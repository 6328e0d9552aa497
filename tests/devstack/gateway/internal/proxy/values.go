package proxy

import (
	"encoding/json"
	"strconv"
	"time"
)

// The configurations were checked against their schemas before they get here; a field that is absent reads as zero.

func object(raw any) map[string]any { m, _ := raw.(map[string]any); return m }

func list(raw any) []any { l, _ := raw.([]any); return l }

func text(raw any) string {
	switch v := raw.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', 14, 64)
	}
	return ""
}

func textOr(raw any, fallback string) string {
	if s := text(raw); s != "" {
		return s
	}
	return fallback
}

func texts(raw any) []string {
	var out []string
	for _, item := range list(raw) {
		out = append(out, text(item))
	}
	return out
}

func integer(raw any, fallback int) int {
	if n, ok := raw.(float64); ok {
		return int(n)
	}
	return fallback
}

func seconds(raw any, fallback time.Duration) time.Duration {
	if n, ok := raw.(float64); ok {
		return time.Duration(n * float64(time.Second))
	}
	return fallback
}

func encoded(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(out)
}
