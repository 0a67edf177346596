package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/events"
)

func TestEventPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	event := events.Event{
		Name: events.JobFinished, Channel: "private-job.1", Err: errors.New("lost"),
		Data: json.RawMessage(`{"job":{"url":"https://storage.example/?sig=s3cret"}}`),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		assert.Equal(t, "[event job.finished on private-job.1 with 53 bytes: lost]", fmt.Sprintf("["+verb+"]", event))
		assert.NotContains(t, fmt.Sprintf(verb, []*events.Event{&event}), "s3cret")
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("message", "event", event)
	assert.NotContains(t, log.String(), "s3cret")
}
