//go:build unix

package cloudconvert

import "syscall"

// mayWrite tells whether the system says that files can be made in a directory. If
// it does not, that may still be so.
func mayWrite(dir string) bool {
	const write, search = 2, 1 // W_OK and X_OK of access(2)
	return syscall.Access(dir, write|search) == nil
}
