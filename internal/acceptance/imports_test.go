package acceptance_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that imports only the root package must not link the event socket, the
// sandbox or image decoders.
func TestRootPackageLinksNoEvents(t *testing.T) {
	t.Parallel()
	const module = "github.com/cloudconvert/cloudconvert-go"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "../..")
	out, err := list.Output()
	require.NoError(t, err)
	packages := strings.Fields(string(out))
	assert.Contains(t, packages, module)
	for _, name := range packages {
		for _, unwanted := range []string{
			"websocket", "golang.org/x/image", module + "/events", module + "/cloudconverttest", module + "/internal/sio",
		} {
			assert.NotContains(t, name, unwanted)
		}
	}
}
