package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// retryable reports whether another attempt may succeed, after a number of failures in a
// row before this one.
func (c *Client) retryable(failed engine.Outcome, failures int) bool {
	return failed.Open && !engine.IsPermanent(failed.Err) && failures < c.config.Resumptions
}

// pause waits before an attempt is retried, and logs that. It reports false if the pause
// does not fit before the context's deadline. Its error is that of the context.
func (c *Client) pause(
	ctx context.Context, failed engine.Outcome, failures int, message string, attrs []slog.Attr,
) (fits bool, err error) {
	wait := c.config.Pauses.After(failed.Header, failures)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false, nil
	}
	if errors.Is(failed.Err, errStalled) {
		// Connections to the same network may be as silent as the one of the attempt, and
		// over HTTP/2 that one survives it.
		c.CloseIdleConnections()
	}
	attrs = append(attrs, slog.Duration("pause", wait))
	c.config.Logger.LogAttrs(ctx, slog.LevelWarn, message, attrs...) //nolint:sloglint // a constant of the caller.
	return true, poll.Pause(ctx, wait)
}

// isTemporary reports whether a transfer that got this status may be retried.
func isTemporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// explainAttempt returns why an attempt failed. A deadline in an error of the
// transport is not that of the caller's context, and must not match it.
func explainAttempt(attempt context.Context, err error) error {
	switch {
	case attempt.Err() != nil:
		return context.Cause(attempt)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %s", errStalled, err.Error())
	default:
		return err
	}
}
