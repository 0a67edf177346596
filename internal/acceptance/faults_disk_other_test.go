//go:build !linux

package acceptance_test

import "testing"

// smallDisk skips the test.
func smallDisk(t *testing.T) string {
	t.Helper()
	t.Skip("cannot mount a small disk")
	return ""
}
