package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

// keysPage is where users create API keys.
const keysPage = "https://cloudconvert.com/dashboard/api/v2/keys"

// explain says in the words of the command line why a file was not converted, and what
// to do.
func (s *settings) explain(err error, f file) string {
	if s.local && isContext(err) {
		return "nothing was saved" // and nothing is left of the sandbox
	}
	if unsaved, ok := errors.AsType[*cloudconvert.UnsavedError](err); ok {
		return s.explainUnsaved(unsaved.Job.ID, errors.Unwrap(unsaved), f)
	}
	if unwritten, ok := errors.AsType[*unwrittenError](err); ok {
		return s.explainUnsaved(unwritten.job, unwritten.err, f)
	}
	if lost, ok := errors.AsType[*cloudconvert.OutcomeError](err); ok {
		return s.explainOutcome(lost, f)
	}
	if wait, ok := errors.AsType[*cloudconvert.WaitError](err); ok {
		return s.explainWait(wait)
	}
	switch {
	case isContext(err):
		return "nothing was converted"
	case errors.Is(err, cloudconvert.ErrBudget):
		return fmt.Sprintf("not begun, since the %d credits of -budget are spent", s.budget)
	case errors.Is(err, cloudconvert.ErrUnauthorized):
		return "the service does not accept the API key: set CLOUDCONVERT_API_KEY to one from " + keysPage
	case errors.Is(err, cloudconvert.ErrCreditsExceeded):
		return "the account is out of credits: add some at https://cloudconvert.com, then run the same command again"
	case errors.Is(err, cloudconvert.ErrTooManyJobs):
		return "too many jobs of the account run at the same time: try again when some have ended, or use a smaller -n"
	case errors.Is(err, cloudconvert.ErrRateLimited):
		return "the service accepts no more jobs for now: try again " + soon(err)
	}
	if failure, ok := errors.AsType[*cloudconvert.JobError](err); ok {
		return s.explainJob(failure, f)
	}
	if refusal, ok := errors.AsType[*cloudconvert.Error](err); ok {
		return s.explainRefusal(refusal, f)
	}
	return explainLocal(err, f)
}

// explainUnsaved explains a conversion that is paid, and whose files are not on disk.
func (s *settings) explainUnsaved(job string, cause error, f file) string {
	reason := "interrupted"
	if !isContext(cause) {
		reason = s.explain(cause, f)
	}
	if s.local {
		return "converted, but not saved: " + reason
	}
	text := fmt.Sprintf("converted, but not saved: %s. ", reason)
	if s.journal != "" {
		return text + "The same command saves the files without paying again, within 24 hours"
	}
	return text + fmt.Sprintf("The files stay on the service for 24 hours, in job %s; another conversion is charged again", job)
}

// explainOutcome explains a creation that may or may not have taken place.
func (s *settings) explainOutcome(err *cloudconvert.OutcomeError, f file) string {
	text := "it is not known whether the conversion began, and is charged"
	if cause := errors.Unwrap(err); cause != nil && !isContext(cause) {
		text += " (" + s.explain(cause, f) + ")"
	}
	if s.journal != "" {
		return text + ": run the same command again, which looks for it before it begins another one"
	}
	return text + fmt.Sprintf(": look for a job with the tag %q in the dashboard before you convert the file again", err.Tag)
}

// explainWait explains a conversion whose end was not seen.
func (s *settings) explainWait(err *cloudconvert.WaitError) string {
	text := fmt.Sprintf("the conversion goes on at the service as job %s, and is charged", err.ID)
	if strings.Contains(err.Error(), "; deleted)") {
		return fmt.Sprintf("job %s was deleted", err.ID)
	}
	if s.journal != "" {
		return text + ": run the same command again to wait for it and save the result"
	}
	return text + ": its result stays there for 24 hours"
}

// explainJob explains a conversion that failed.
func (s *settings) explainJob(err *cloudconvert.JobError, f file) string {
	if len(err.Tasks) == 0 {
		return fmt.Sprintf("the conversion failed, and the service does not say why (job %s)", err.Job.ID)
	}
	cause := err.Tasks[0]
	text := "the conversion failed"
	if message := strings.TrimRight(cause.Message, ". "); message != "" {
		text += ": " + message
	}
	switch {
	case s.local && strings.Contains(cause.Message, "sends no requests to other hosts"):
		return "the local sandbox fetches nothing from the network: set CLOUDCONVERT_API_KEY to a key from " + keysPage
	case errors.Is(cause, cloudconvert.CodeInvalidConversionType):
		text = s.impossible(f)
	case errors.Is(cause, cloudconvert.CodeOpenFailed):
		text += "; if the file has another format than its name says, use -from FORMAT"
	}
	if cause.Code != "" {
		return text + fmt.Sprintf(" (%s, job %s)", string(cause.Code), err.Job.ID)
	}
	return text + fmt.Sprintf(" (job %s)", err.Job.ID)
}

// explainRefusal explains a request that failed.
func (s *settings) explainRefusal(err *cloudconvert.Error, f file) string {
	switch {
	case errors.Is(err, cloudconvert.CodeInvalidConversionType):
		return fmt.Sprintf("%s (%s)", s.impossible(f), string(err.Code))
	case errors.Is(err, cloudconvert.ErrForbidden):
		return "the API key lacks a scope: it needs task.read and task.write"
	case err.StatusCode == 0 && err.Unwrap() != nil:
		return "the service cannot be reached: " + plain(err.Unwrap()) + ": check the network, and try again"
	case err.StatusCode >= http.StatusInternalServerError:
		return fmt.Sprintf("the service failed (%d): try again later", err.StatusCode)
	}
	text := "the service refused it"
	if message := strings.TrimRight(err.Message, ". "); message != "" {
		text += ": " + message
	}
	parts := []string{text}
	for _, name := range slices.Sorted(maps.Keys(err.Fields)) {
		parts = append(parts, lastPart(name)+": "+strings.TrimRight(strings.Join(err.Fields[name], " "), ". "))
	}
	return fmt.Sprintf("%s (%s)", strings.Join(parts, "; "), cmp.Or(string(err.Code), strconv.Itoa(err.StatusCode)))
}

// lastPart returns the parameter in a name such as tasks.convert.quality.
func lastPart(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

var existing = regexp.MustCompile(`(?:save: |the destination )("[^"]*"|\S.*?) (already exists|is the source)`)

// explainLocal explains what failed on this machine.
func explainLocal(err error, f file) string {
	path, problem := f.destination, "already exists"
	if found := existing.FindStringSubmatch(err.Error()); found != nil {
		path, problem = strings.Trim(found[1], `"`), found[2]
	}
	failure, isPath := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, fs.ErrExist):
		return path + " " + problem + ": use -overwrite to replace it"
	case isPath && failure.Path == f.name:
		return failure.Err.Error()
	default:
		return plain(err)
	}
}

// impossible says that there is no such conversion.
func (s *settings) impossible(f file) string {
	return fmt.Sprintf("%s cannot be converted to %s", cmp.Or(s.from, formatOf(f.name), "the file"), s.to)
}

// soon is when the service says to try again.
func soon(err error) string {
	if refusal, ok := errors.AsType[*cloudconvert.Error](err); ok && refusal.RetryAfter > 0 {
		return "in " + refusal.RetryAfter.Round(time.Second).String()
	}
	return "in a minute"
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// flagsOf has the terms of this command for those of the library.
var flagsOf = strings.NewReplacer(
	"cloudconvert: journal: ", "-resume: ",
	"cloudconvert: ", "",
	"invalid request: ", "",
	"set Name, and use Source.WithName", "rename the file",
	"use Source.WithName", "rename the file",
	"give each its own destination", "convert one of them separately",
	"WithSandbox", "-sandbox",
	"WithRegion", "-region",
	"WithBaseURLs", "CLOUDCONVERT_API_URL",
)

// plain returns the text of an error without what is only of use to programmers.
func plain(err error) string {
	return strings.ReplaceAll(flagsOf.Replace(err.Error()), "\n", "; ")
}
