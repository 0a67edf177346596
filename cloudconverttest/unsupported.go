package cloudconverttest

import "github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"

// ErrUnsupported matches the error of [Run.Default] for a task that no built-in
// conversion can do. A handler that returns it refuses the task like the service.
var ErrUnsupported = Fail(jobs.CodeUnsupported, jobs.MessageUnsupported)
