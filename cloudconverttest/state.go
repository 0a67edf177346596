package cloudconverttest

import (
	"context"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// retention is how long jobs and tasks are kept after they ended.
const retention = 24 * time.Hour

// The statuses of jobs and tasks.
const (
	waiting   = "waiting"
	working   = "processing"
	finished  = "finished"
	erroneous = "error"
)

// state is the state that Server.mu guards.
type state struct {
	jobs     table[*job]
	tasks    table[*task]
	tagged   map[string]*table[*job]
	cached   map[string]cachedJob // of signed URLs
	since    time.Time            // creation of the account
	expiring []expiry             // in the order of time
	forms    []*task              // upload tasks in the order their forms expire
}

type expiry struct {
	at   time.Time
	job  *job
	task *task
}

func newState() state {
	return state{
		tagged: map[string]*table[*job]{},
		cached: map[string]cachedJob{},
		since:  time.Now(),
	}
}

type job struct {
	id         string
	tag        *string
	webhookURL string
	status     string
	created    time.Time
	started    time.Time
	ended      time.Time
	tasks      []*task // in the order of creation
	copies     []*task // retried tasks
	open       int     // tasks that have not ended
	failed     bool
	done       chan struct{} // closed when the job has ended or is deleted
	deleted    bool
}

type task struct {
	id            string
	name          string
	operation     string
	job           *job // nil for a task on its own
	request       request.Task
	inputs        []*task // whose files it uses
	needs         []*task // all tasks it depends on
	dependents    []*task
	pending       int  // needs that have not ended
	doomed        bool // a task in needs has failed
	status        string
	code          string
	message       string
	percent       int
	engine        string
	engineVersion string
	credits       *int
	created       time.Time
	started       time.Time
	ended         time.Time
	retryOf       string
	retries       []*task
	form          *uploadForm
	files         []*storage.File
	metadata      map[string]any
	output        *string
	done          chan struct{} // closed when the task has ended
	stop          context.CancelFunc
	deleted       bool
}

// uploadForm is the form of an upload task, and the file that was uploaded with it.
type uploadForm struct {
	*storage.Form

	used     bool // a file was stored
	filename string
	blob     *storage.Blob
}

func (t *task) terminal() bool { return !t.ended.IsZero() }

// sweep removes what has expired. Both queues are in order of time, so it looks only at
// their heads.
func (s *Server) sweep() {
	now := s.clock.Now()
	for len(s.forms) > 0 && !now.Before(s.forms[0].form.Expires) {
		t := s.forms[0]
		s.forms = s.forms[1:]
		if t.status == waiting && !t.form.used {
			s.fail(t, "TIMEOUT", "No file has been uploaded")
		}
	}
	for len(s.expiring) > 0 && !now.Before(s.expiring[0].at) {
		e := s.expiring[0]
		s.expiring = s.expiring[1:]
		if e.job != nil {
			s.removeJob(e.job)
		} else {
			s.removeTask(e.task)
		}
	}
}

// removeJob removes a job, its tasks and their files.
func (s *Server) removeJob(j *job) {
	if j.deleted {
		return
	}
	j.deleted = true
	s.jobs.remove(j.id)
	if j.tag != nil {
		s.untag(j)
	}
	for _, t := range slices.Concat(j.tasks, j.copies) {
		s.discard(t)
	}
	if j.ended.IsZero() {
		s.account.EndJob()
		close(j.done)
	}
}

func (s *Server) untag(j *job) {
	same := s.tagged[*j.tag]
	same.remove(j.id)
	if same.order.Len() == 0 {
		delete(s.tagged, *j.tag)
	}
}

// removeTask removes a task and its files. Its job goes on without it.
func (s *Server) removeTask(t *task) {
	if t.deleted {
		return
	}
	if !t.terminal() {
		s.fail(t, codeCancelled, messageCancelled)
	}
	if t.job != nil {
		t.job.tasks = slices.DeleteFunc(t.job.tasks, func(x *task) bool { return x == t })
	}
	s.discard(t)
}

// discard removes a task, stops its work and frees its files.
func (s *Server) discard(t *task) {
	if t.deleted {
		return
	}
	t.deleted = true
	s.tasks.remove(t.id)
	if t.stop != nil {
		t.stop()
	}
	if t.ended.IsZero() {
		t.ended = s.clock.Now()
		close(t.done)
	}
	s.storage.Free(t.files...)
	t.files = nil
}
