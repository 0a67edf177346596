package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// retryable reports whether another attempt may succeed. failures is the number of
// failures in a row before this one.
func (c *Client) retryable(failed Outcome, failures int) bool {
	return failed.Retryable && !engine.IsPermanent(failed.Err) && failures < c.config.Resumptions
}

// pause logs a retry and pauses before it. It reports false if the deadline of the
// context is before the end of the pause. Its error is that of the context.
func (c *Client) pause(
	ctx context.Context, failed Outcome, failures int, message string, attrs []slog.Attr,
) (fits bool, err error) {
	wait := c.config.Pauses.After(failed.Header, failures)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false, nil
	}
	if errors.Is(failed.Err, errStalled) {
		// Other idle connections may be as dead as that of the attempt. An HTTP/2
		// connection outlives the requests on it.
		c.CloseIdleConnections()
	}
	attrs = append(attrs, slog.Duration("pause", wait))
	c.config.Logger.LogAttrs(ctx, slog.LevelWarn, message, attrs...) //nolint:sloglint // callers pass a constant.
	return true, poll.Pause(ctx, wait)
}

// explainAttempt returns why an attempt failed. The error must not match a deadline,
// unless it is that of the context of the caller.
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
