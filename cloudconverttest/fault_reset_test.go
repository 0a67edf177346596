//go:build !plan9

package cloudconverttest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReset(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.s.Inject(Fault{Kind: Reset})
	_, err := x.create()
	require.ErrorIs(t, err, syscall.ECONNRESET)
}
