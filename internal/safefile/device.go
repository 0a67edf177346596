package safefile

import "strings"

// guardDevice adds a prefix to names that denote a device on Windows, in any case and
// with any extension.
func guardDevice(name string) string {
	stem, _, _ := strings.Cut(name, ".")
	if isDevice(strings.ToLower(strings.TrimRight(stem, " "))) {
		return "_" + name
	}
	return name
}

func isDevice(stem string) bool {
	switch stem {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	number, ok := strings.CutPrefix(stem, "com")
	if !ok {
		number, ok = strings.CutPrefix(stem, "lpt")
	}
	switch number {
	case "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return ok
	}
	return false
}
