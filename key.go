package cloudconvert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// WithKey makes a call idempotent across processes and machines. If a job was created
// under the key and has not failed, the call continues it instead of creating a second
// one: it uploads the files that the job still waits for, waits for it, and saves its
// files. A job that failed, that was deleted, or that ended more than 24 hours ago is
// replaced by a new one. [JobsService.Find] returns a job that failed without replacing it.
//
// Use the id that a durable queue gave the work, with a prefix if several programs use
// the account. The key must be unique in the account for 24 hours: numbers from 1 are not
// if the queue may be created anew, or if a staging system uses the same account. The key
// is the tag of the job. A key of more than 255 bytes, or with a comma or other characters
// than printable ASCII, is sent as a hash. The lookup costs one request if there is no
// job, and otherwise two or three.
//
// Only one process at a time may use a key, as the lease of a queue ensures: if two
// processes began at the same moment, each would create a job. Calls of one client, and
// of those that share its account, take turns. See also [WithTakeover].
//
// If the job belongs to another request, the error matches [ErrKeyConflict]. WithKey
// compares the tasks, the parameters that both the request and the job have and, where the
// service reports them, the names and sizes of sources. It compares neither the contents
// of files nor the signatures of URLs.
//
// Under a key, an [*UnsavedError], an [*OutcomeError], a [*WaitError] and the end of the
// context are retryable, see [IsRetryable]: the same call continues. If an upload fails,
// the job stays for the next call, unless storage refused the file. [Client.RunFile]
// checks dst before it creates a job. When it continues a job, a file at dst with the
// same bytes counts as saved by an earlier call. Of several files, those that were saved
// stay if another one fails.
//
// A request that has a Tag is refused, and so are [WithDelete] and [WithDeleteOnCancel]:
// if its job were deleted, the next call would create another. Delete the job with
// [JobsService.Delete] when the work is acknowledged. For [Client.RunAll], WithKey is an
// option of a [Work]. With [WithJournal], the key is the tag that the journal records.
func WithKey(key string) CreateOption {
	return createOption{"WithKey", func(c *createConfig) error {
		switch {
		case key == "":
			return errors.New("WithKey: the key is empty: use the id of the work")
		case c.key != "":
			return errors.New("WithKey is given twice: a call has one key")
		}
		c.key = key
		return nil
	}}
}

// WithTakeover gives the latest time at which another process may have used the key of
// [WithKey]. A time in the future counts as now. Pass time.Now() if a queue delivers the
// work for a second time, or the start of this process if a batch continues that of a
// process that was killed. The last request of the other process may still be on its way,
// so that its job cannot be found yet: if there is no job, the call looks for it until
// half a minute after that time before it creates one. The context must last longer, and
// so must the lease of a queue, which may be renewed meanwhile.
//
// A client remembers its own calls, which do not need WithTakeover.
func WithTakeover(until time.Time) CreateOption {
	return createOption{"WithTakeover", func(c *createConfig) error {
		if until.IsZero() {
			return errors.New("WithTakeover: the time is zero: use time.Now")
		}
		c.takeover = until
		return nil
	}}
}

// tag returns the tag of the job under the key, or "" without a key.
func (c *createConfig) tag() string {
	if c.key == "" {
		return ""
	}
	return tagOf(c.key)
}

// maxTag is the length up to which a key is a tag. The service states no limit.
const maxTag = 255

// tagOf returns the tag of a key. Characters that the service may change, or take for a
// list of tags, are hashed.
func tagOf(key string) string {
	unsafe := func(r rune) bool { return r < ' ' || r > '~' || r == ',' }
	if len(key) <= maxTag && !strings.ContainsFunc(key, unsafe) && strings.TrimSpace(key) == key {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "cloudconvert-go-" + hex.EncodeToString(sum[:])
}

// checkKey returns an error if options, or a request with the given tag, do not go
// together with a key.
func (c *createConfig) checkKey(tag string) error {
	switch {
	case c.key == "" && !c.takeover.IsZero():
		return invalid(errors.New("WithTakeover is for calls with WithKey: give the call, or each work of a batch, a key"))
	case c.key != "" && tag != "":
		return invalid(errors.New("the request has a Tag, but the key is the tag: leave it empty"))
	}
	return nil
}

// keyError is an error of a call with a key. The same call may continue.
type keyError struct{ err error }

// underKey marks an error if the call has a key.
func (c *createConfig) underKey(err error) error {
	if c.key == "" || err == nil {
		return err
	}
	return &keyError{err}
}

// Error returns the text of the error.
func (e *keyError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *keyError) Unwrap() error { return e.err }
