//go:build !linux

package cloudconvert

import (
	"context"
	"os"
)

// openSource opens a file. That of a named pipe blocks until another process opens it too,
// and leaves a goroutine with its thread until then if the context ends before.
func openSource(_ context.Context, path string) (*os.File, error) { return os.Open(path) }
