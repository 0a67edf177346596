package cloudconvert_test

import "errors"

// Plan 9 has no numbers for what it says of networks and disks.
var (
	errNoSpace     = errors.New("file system full")
	errConnRefused = errors.New("connection refused")
	errConnReset   = errors.New("connection reset")
)
