package api

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublishedSignedJobIsDecoded(t *testing.T) {
	t.Parallel()
	req, err := decodeSigned("eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6" +
		"ImxvZ28ucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnQvdXJsIiwiaW5wdXQiOiJpbXBvcnQtaXQiLCJpbmxpbmUiOnRydWV9fX0")
	require.NoError(t, err)
	assert.Len(t, req.Tasks, 2)
}
