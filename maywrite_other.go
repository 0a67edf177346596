//go:build !unix

package cloudconvert

// mayWrite has no answer on this system.
func mayWrite(string) bool { return false }
