//go:build unix

package interrupt

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContextEndsWithASignal(t *testing.T) { //nolint:paralleltest // signals are for the whole process
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		ctx, stop := Context()
		require.NoError(t, syscall.Kill(os.Getpid(), signal))
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			assert.Fail(t, "it goes on", signal)
		}
		stop()
	}
}

func TestABrokenPipeIsAnError(t *testing.T) { //nolint:paralleltest // signals are for the whole process
	const variable = "INTERRUPT_TEST_WRITES"
	if os.Getenv(variable) != "" { // this is the program started below
		Context()
		_, err := os.Stdout.WriteString("x")
		require.ErrorIs(t, err, syscall.EPIPE)
		os.Exit(7)
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	program.Env, program.Stdout = append(os.Environ(), variable+"=1"), w
	var exit *exec.ExitError
	require.ErrorAs(t, program.Run(), &exit)
	assert.Equal(t, 7, exit.ExitCode(), exit)
	require.NoError(t, w.Close())
}
