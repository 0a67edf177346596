package testkit

import "errors"

// Errors of the network and of the disk. Plan 9 has no numbers for them.
var (
	ErrNoSpace     = errors.New("file system full")
	ErrConnRefused = errors.New("connection refused")
	ErrConnReset   = errors.New("connection reset")
)
