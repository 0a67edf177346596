package cloudconvert_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		m.Run() // a child process, whose idle connections end with it
		return
	}
	goleak.VerifyTestMain(m)
}
