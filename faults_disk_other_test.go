//go:build !linux

package cloudconvert_test

import "testing"

// smallDisk skips the test: there is no small disk.
func smallDisk(t *testing.T) string {
	t.Helper()
	t.Skip("cannot mount a small disk")
	return ""
}
