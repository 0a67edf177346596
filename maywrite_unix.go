//go:build unix

package cloudconvert

import "syscall"

// mayWrite tells whether the system permits that files are made in a directory, as
// far as it says so: access(2) knows of modes and mounts, but not of everything that
// may be in the way.
func mayWrite(dir string) bool {
	const write, search = 2, 1 // W_OK and X_OK of access(2)
	return syscall.Access(dir, write|search) == nil
}
