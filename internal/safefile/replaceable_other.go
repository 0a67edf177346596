//go:build !linux

package safefile

// CheckReplaceable returns nil: there is no check for this system.
func CheckReplaceable(string) error { return nil }
