package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// keysPage is where users create API keys.
const keysPage = "https://cloudconvert.com/dashboard/api/v2/keys"

// errNoClient returns the error of calls without a client.
func errNoClient(err error) error {
	return fmt.Errorf("the server is not set up: %s: ask the user to change the environment of this server in the configuration "+
		"of the client, and to restart it (CLOUDCONVERT_API_KEY has a key from %s with the scopes task.read, task.write and user.read)",
		plain(err), keysPage)
}

// unsavedError is a job that has finished, and whose files were not all written.
type unsavedError struct {
	job     string
	credits int
	paths   []string // of the files that were written
	err     error
}

func (e *unsavedError) Unwrap() error { return e.err }

// Error returns the reason, and how to get the files.
func (e *unsavedError) Error() string {
	cause := e.err
	if unsaved, ok := errors.AsType[*cloudconvert.UnsavedError](cause); ok {
		cause = errors.Unwrap(unsaved)
	}
	if failure, ok := errors.AsType[*fs.PathError](cause); ok {
		cause = failure.Err // its path is that of a temporary file
	}
	text := fmt.Sprintf("job %s has finished (credits: %d), but its files were not written: %s", e.job, e.credits, plain(cause))
	if len(e.paths) > 0 {
		text += fmt.Sprintf("; these were: %s", strings.Join(e.paths, ", "))
	}
	return text + ": use save_job with this id within 24 hours, and do not run the job a second time"
}

// explain returns an error that says what an agent can do. The errors of the library have
// no keys and no queries of URLs.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if unsaved, ok := errors.AsType[*unsavedError](err); ok {
		return unsaved
	}
	if lost, ok := errors.AsType[*cloudconvert.OutcomeError](err); ok {
		return fmt.Errorf("%s: the job may have been created, and is counted in the budget: ask the user to look for its tag %q "+
			"in the dashboard of CloudConvert before you call the tool a second time", plain(errors.Unwrap(lost)), lost.Tag)
	}
	return errors.New(plain(err) + remedy(err))
}

// remedy returns what to do after an error that does not say it.
func remedy(err error) string {
	switch {
	case errors.Is(err, cloudconvert.ErrUnauthorized):
		return ": ask the user to set CLOUDCONVERT_API_KEY in the environment of this server to a key from " + keysPage
	case errors.Is(err, cloudconvert.ErrForbidden):
		return ": the API key lacks a scope: ask the user for one with task.read, task.write and user.read from " + keysPage
	case errors.Is(err, cloudconvert.ErrNotFound):
		return ": the service keeps jobs for 24 hours"
	case errors.Is(err, cloudconvert.ErrCreditsExceeded):
		return ": ask the user to add credits at https://cloudconvert.com"
	case errors.Is(err, cloudconvert.ErrTooManyJobs), errors.Is(err, cloudconvert.ErrRateLimited):
		return ": try later"
	case errors.Is(err, cloudconvert.CodeInvalidConversionType):
		return ": use list_formats to see what the format can be converted to"
	case errors.Is(err, cloudconvert.CodeOpenFailed):
		return ": the file may be damaged, protected, or of another format than its name says: then set input_format"
	case cloudconvert.IsRetryable(err), errors.Is(err, cloudconvert.ErrServer):
		return ": the service cannot be reached or has failed: try later"
	}
	return ""
}

// toolTerms has the terms of the tools for those of the library.
var toolTerms = strings.NewReplacer(
	"cloudconvert: ", "",
	"invalid request: ", "",
	"use Source.WithName", "give the file a name with an extension",
	"name it in the Input of one", "name it in the input of one",
	"WithBaseURLs", "CLOUDCONVERT_API_URL",
	"WithRegion", "CLOUDCONVERT_REGION",
	"WithSandbox", "CLOUDCONVERT_SANDBOX",
	"\n", "; ",
)

// plain returns the text of an error without what is only of use to programmers. It may
// have texts of the service.
func plain(err error) string { return clean(toolTerms.Replace(err.Error())) }
