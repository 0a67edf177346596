package signature

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSign checks the signature with published vectors.
func TestSign(t *testing.T) {
	t.Parallel()
	const (
		base = "https://s.cloudconvert.com/b3d85428-584e-4639-bc11-76b7dee9c109?job="
		job  = "eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6" +
			"ImxvZ28ucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnQvdXJsIiwiaW5wdXQiOiJpbXBvcnQtaXQiLCJpbmxpbmUiOnRydWV9fX0"
	)
	for name, c := range map[string]struct{ secret, message, want string }{
		"webhook": {
			"secret", `{"event":"job.finished","job":{"id":"4b6ee8e2-e293-4805-b48e-a03876d1ec66"}}`,
			"3539e7cb61bad6261e5dfb65b3491b39960ce56304967df33ce22bed752eafd0",
		},
		"empty": {"secret", "", "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"},
		"signed URL": {
			"NT8dpJkttEyfSk3qlRgUJtvTkx64vhyX", base + job + "&cache_key=mykey",
			"209d54e4454a407de71a07e6e500f45155fecf58a4e53d68329fbf358efcd823",
		},
	} {
		assert.Equal(t, c.want, Sign([]byte(c.secret), c.message), name)
		assert.True(t, Valid([]byte(c.secret), c.message, c.want), name)
		assert.False(t, Valid([]byte(c.secret), c.message, strings.ToUpper(c.want)), name)
	}
}
