package pcre

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	counted = regexp.MustCompile(`^\{([0-9]+)(?:,([0-9]*))?\}`)
	// What stands for a place and not for a character.
	place = regexp.MustCompile(`^(?:\^|\$|\\[bBAzZG])`)
	class = regexp.MustCompile(`^\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]`)
)

const mostRepeats = 65535

// stricter gives what PCRE refuses and the engines here take: a repeated place, and more than 65,535 repeats.
func stricter(pattern string) string {
	for pattern != "" {
		at := place.FindString(pattern)
		switch {
		case at != "":
			pattern = pattern[len(at):]
			if counted.MatchString(pattern) || pattern != "" && strings.Contains("*+?", pattern[:1]) {
				return "quantifier does not follow a repeatable item"
			}
		case class.MatchString(pattern):
			pattern = pattern[len(class.FindString(pattern)):]
		case counted.MatchString(pattern):
			count := counted.FindStringSubmatch(pattern)
			for _, number := range count[1:] {
				if n, err := strconv.Atoi(number); number != "" && (err != nil || n > mostRepeats) {
					return "number too big in {} quantifier"
				}
			}
			pattern = pattern[len(count[0]):]
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[2:]
		default:
			pattern = pattern[1:]
		}
	}
	return ""
}
