//go:build !plan9

package testkit

import "syscall"

// Errors of the network and of the disk.
const (
	ErrNoSpace     = syscall.ENOSPC
	ErrConnRefused = syscall.ECONNREFUSED
	ErrConnReset   = syscall.ECONNRESET
)
