//go:build !plan9

package cloudconvert_test

import "syscall"

// What the system says of networks and disks.
const (
	errNoSpace     = syscall.ENOSPC
	errConnRefused = syscall.ECONNREFUSED
	errConnReset   = syscall.ECONNRESET
)
