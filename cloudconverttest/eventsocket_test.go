package cloudconverttest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// listening runs a test of a server with a listener, in a bubble.
func listening(t *testing.T, test func(t *testing.T, s *Server, l *events.Client), opts ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := NewServer(append([]Option{WithInProcess()}, opts...)...)
		defer s.Close()
		l, err := events.New(s.Client(), events.WithURL(s.EventsURL))
		require.NoError(t, err)
		defer l.Close()
		test(t, s, l)
	})
}

// join subscribes to a channel and waits until the join has taken effect.
func join(t *testing.T, l *events.Client, channel events.Channel) *events.Subscription {
	t.Helper()
	sub, err := l.Subscribe(t.Context(), channel)
	require.NoError(t, err)
	first, err := sub.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, events.Resync, first.Name)
	synctest.Wait()
	return sub
}

// heard returns the events of a subscription: their names, with the names and statuses of
// their objects.
func heard(t *testing.T, sub *events.Subscription) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	var names []string
	for {
		event, err := sub.Next(ctx)
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return names
		}
		assert.Equal(t, sub.Channel().String(), event.Channel)
		if job, err := event.Job(); err == nil {
			names = append(names, string(event.Name)+" "+string(job.Status))
			assert.Len(t, job.Tasks, 2)
			continue
		}
		task, err := event.Task()
		require.NoError(t, err)
		names = append(names, string(event.Name)+" "+task.Name+" "+string(task.Status))
	}
}

// textJob has two tasks, "in" and "out".
func textJob() *cloudconvert.JobRequest {
	return &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"in":  cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
		"out": cloudconvert.ExportURL{Input: []string{"in"}},
	}}
}

func TestEventsOfJob(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		userJobs, userTasks := join(t, l, events.UserJobs("1")), join(t, l, events.UserTasks("1"))
		client := s.Client()
		job, err := client.Jobs.Create(t.Context(), textJob())
		require.NoError(t, err)
		out, _ := job.Task("out")
		ofJob, ofTasks, ofTask := join(t, l, events.Job(job.ID)), join(t, l, events.JobTasks(job.ID)), join(t, l, events.Task(out.ID))
		<-time.After(time.Hour)
		synctest.Wait()

		assert.Equal(t, []string{"job.created waiting", "job.updated processing", "job.finished finished"}, heard(t, userJobs))
		assert.ElementsMatch(t, []string{"task.created in waiting", "task.created out waiting"}, take(t, userTasks, 2))
		assert.Equal(t, []string{
			"task.updated in processing", "task.finished in finished", "task.updated out processing", "task.finished out finished",
		}, heard(t, userTasks))
		assert.Equal(t, []string{"job.finished finished"}, heard(t, ofJob))
		assert.Equal(t, []string{"task.finished in finished", "task.updated out processing", "task.finished out finished"}, heard(t, ofTasks))
		assert.Equal(t, []string{"task.updated out processing", "task.finished out finished"}, heard(t, ofTask))
		assert.Equal(t, 1, s.Events().Connections())
	}, WithTaskDuration(time.Minute))
}

// TestEndedJobHasNoEvents joins the channels of a job that has ended. Like the service, the
// server accepts that and repeats no event.
func TestEndedJobHasNoEvents(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		job, err := s.Client().Jobs.Create(t.Context(), textJob())
		require.NoError(t, err)
		require.NoError(t, s.WaitIdle(t.Context()))
		ofJob, ofTasks := join(t, l, events.Job(job.ID)), join(t, l, events.JobTasks(job.ID))
		<-time.After(time.Hour)
		assert.True(t, s.Events().Hears(events.Job(job.ID).String()))
		assert.Empty(t, heard(t, ofJob))
		assert.Empty(t, heard(t, ofTasks))
	})
}

// take returns the next n events of a subscription.
func take(t *testing.T, sub *events.Subscription, n int) []string {
	t.Helper()
	var names []string
	for range n {
		event, err := sub.Next(t.Context())
		require.NoError(t, err)
		task, err := event.Task()
		require.NoError(t, err)
		names = append(names, string(event.Name)+" "+task.Name+" "+string(task.Status))
	}
	return names
}

func TestEventHasObjectOfAPI(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		jobs, tasks := join(t, l, events.UserJobs("1")), join(t, l, events.UserTasks("1"))
		_, err := s.Client().Jobs.Create(t.Context(), textJob())
		require.NoError(t, err)
		require.NoError(t, s.WaitIdle(t.Context()))
		synctest.Wait()
		api := &tester{t: t, s: s, key: s.Key()}
		ended := 0
		for range 9 {
			from, kind := tasks, "task"
			if ended == 2 {
				from, kind = jobs, "job"
			}
			event, err := from.Next(t.Context())
			require.NoError(t, err)
			if !event.Name.Ended() {
				continue
			}
			ended++
			var told dict
			require.NoError(t, json.Unmarshal(event.Data, &told))
			object, ok := told[kind].(dict)
			require.True(t, ok)
			assert.Equal(t, api.call(http.MethodGet, "/"+kind+"s/"+str(object["id"]), nil).data(), object)
		}
		assert.Equal(t, 3, ended)
	})
}

func TestEventsOfProgressAndFailure(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		s.HandleConvert("txt", "pdf", func(_ context.Context, run *Run) error {
			for _, percent := range []int{10, 10, 50, 500} {
				run.SetPercent(percent)
			}
			return Fail("OPEN_FAILED", "no")
		})
		tasks, jobs := join(t, l, events.UserTasks("1")), join(t, l, events.UserJobs("1"))
		_, err := s.Client().Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"in":  cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
			"pdf": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "pdf"},
		}})
		require.NoError(t, err)
		require.NoError(t, s.WaitIdle(t.Context()))
		synctest.Wait()
		take(t, tasks, 5) // up to the start of the second one
		for _, percent := range []int{10, 50, 100} {
			event, err := tasks.Next(t.Context())
			require.NoError(t, err)
			task, err := event.Task()
			require.NoError(t, err)
			assert.Equal(t, percent, task.Percent)
		}
		assert.Equal(t, []string{"task.failed pdf error"}, heard(t, tasks))
		assert.Equal(t, "job.failed error", heard(t, jobs)[2])

		task, err := s.Client().Tasks.Create(t.Context(), cloudconvert.ImportRaw{File: "text", Filename: "a.txt"})
		require.NoError(t, err)
		require.NoError(t, s.WaitIdle(t.Context()))
		synctest.Wait()
		_, err = s.Client().Tasks.Retry(t.Context(), task.ID)
		require.NoError(t, err)
		require.NoError(t, s.WaitIdle(t.Context()))
		synctest.Wait()
		assert.Equal(t, []string{
			"task.created  waiting", "task.updated  processing", "task.finished  finished",
			"task.created  waiting", "task.updated  processing", "task.finished  finished",
		}, heard(t, tasks))
	})
}

func TestAuthorizeJoin(t *testing.T) {
	t.Parallel()
	s := NewServer(WithKey("reader", "task.read"), WithKey("writer", "task.write"))
	t.Cleanup(s.Close)
	job, err := s.Client().Jobs.Create(t.Context(), textJob())
	require.NoError(t, err)
	task, _ := job.Task("in")
	for _, test := range []struct {
		channel, key string
		want         int
	}{
		{"private-job." + job.ID, s.Key(), http.StatusOK},
		{"private-job." + job.ID, "reader", http.StatusOK},
		{"private-job." + job.ID, "writer", http.StatusForbidden},
		{"private-job." + job.ID, "other", http.StatusUnauthorized},
		{"private-job." + job.ID, "", http.StatusUnauthorized},
		{"private-job." + job.ID + ".tasks", s.Key(), http.StatusOK},
		{"private-job." + job.ID + ".tasks.tasks", s.Key(), http.StatusForbidden},
		{"private-jobs." + job.ID, s.Key(), http.StatusForbidden},
		{"private-job.*", s.Key(), http.StatusForbidden},
		{"private-job." + task.ID, s.Key(), http.StatusForbidden},
		{"private-task." + task.ID, s.Key(), http.StatusOK},
		{"private-task." + job.ID, s.Key(), http.StatusForbidden},
		{"private-user.1.jobs", s.Key(), http.StatusOK},
		{"private-user.1.tasks", s.Key(), http.StatusOK},
		{"private-user.2.jobs", s.Key(), http.StatusForbidden},
		{job.ID, s.Key(), http.StatusForbidden},
	} {
		assert.Equal(t, test.want, s.events.socket.Channels.Authorize(test.channel, "Bearer "+test.key), "%s %s", test.channel, test.key)
	}
	assert.Equal(t, http.StatusUnauthorized, s.events.socket.Channels.Authorize("private-job."+job.ID, s.Key()))
}

func TestEventFaults(t *testing.T) {
	t.Parallel()
	const channel = "private-user.1.jobs"
	data := dict{"job": dict{"id": "a", "tasks": []dict{{}, {}}}}
	for name, test := range map[string]struct {
		faults EventFaults
		do     func(s *Server)
		want   string // the names of the events, without those of jobs
	}{
		"none":   {EventFaults{}, nil, "created updated finished"},
		"silent": {EventFaults{Silent: true}, nil, ""},
		"false":  {EventFaults{Silent: true}, func(s *Server) { assert.NoError(t, s.Events().Emit(channel, "job.finished", data)) }, "finished"},
		"flood":  {EventFaults{Repeat: 2}, nil, "created created created updated updated updated finished finished finished"},
		"cut":    {EventFaults{}, func(s *Server) { s.Events().Cut() }, "created updated finished resync"},
		"kicked": {EventFaults{}, func(s *Server) { s.Events().Kick() }, "created updated finished resync"},
		"frozen": {EventFaults{Frozen: true}, func(s *Server) { s.Events().SetFaults(EventFaults{}) }, "resync"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listening(t, func(t *testing.T, s *Server, l *events.Client) {
				t.Helper()
				sub := join(t, l, events.UserJobs("1"))
				s.Events().SetFaults(test.faults)
				_, err := s.Client().Jobs.Create(t.Context(), textJob())
				require.NoError(t, err)
				require.NoError(t, s.WaitIdle(t.Context()))
				<-time.After(time.Minute) // longer than the heartbeat of the socket
				if test.do != nil {
					test.do(s)
				}
				<-time.After(time.Minute)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				var names []string
				for event, err := range sub.Events(ctx) {
					if err == nil {
						names = append(names, strings.TrimPrefix(string(event.Name), "job."))
					}
				}
				assert.Equal(t, test.want, strings.Join(names, " "))
			})
		})
	}
}

func TestFaultsOfJoins(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		s.Events().SetFaults(EventFaults{JoinDelay: time.Second, Join: func(channel string) int {
			assert.Equal(t, "private-user.1.jobs", channel)
			return http.StatusForbidden
		}})
		sub := join(t, l, events.UserJobs("1"))
		start := time.Now()
		_, err := sub.Next(t.Context())
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		assert.Equal(t, time.Second, time.Since(start))
		assert.Equal(t, []EventJoin{{Connection: 1, Channel: "private-user.1.jobs"}}, s.Events().Joins())
		assert.False(t, s.Events().Hears("private-user.1.jobs"))
	})
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		s.Events().SetFaults(EventFaults{Refuse: "no, thank you"})
		_, err := l.Subscribe(t.Context(), events.UserJobs("1"))
		require.ErrorContains(t, err, "no, thank you")
	})
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		s.Events().SetFaults(EventFaults{ConnectDelay: 3 * time.Second, PingInterval: 5 * time.Second, PingTimeout: 2 * time.Second})
		start := time.Now()
		sub := join(t, l, events.UserJobs("1"))
		assert.Equal(t, 3*time.Second, time.Since(start))
		<-time.After(time.Minute)
		assert.Equal(t, 1, s.Events().Connections(), "pings arrive in time")
		s.Events().SetFaults(EventFaults{Frozen: true})
		start = time.Now()
		require.Eventually(t, func() bool { return l.Err() != nil }, time.Minute, time.Millisecond)
		assert.InDelta(t, 4.5, time.Since(start).Seconds(), 2.6, "an interval and a timeout after the last ping")
		sub.Close()
	})
	listening(t, func(t *testing.T, s *Server, l *events.Client) {
		t.Helper()
		s.Inject(Fault{Role: RoleEvents, Status: http.StatusServiceUnavailable, Nth: 1, Times: 2})
		s.Inject(Fault{Role: RoleEvents, Kind: Reset, Nth: 3})
		s.Inject(Fault{Role: RoleEvents, Kind: Stall, Nth: 4})
		start := time.Now()
		join(t, l, events.UserJobs("1"))
		assert.InDelta(t, 15, time.Since(start).Seconds(), 5, "the handshake that stalled took ten")
		requests := s.Requests()
		require.Len(t, requests, 5)
		assert.Equal(t, "/socket.io/", requests[0].Path)
		assert.Equal(t, RoleEvents, requests[0].Role)
		assert.Equal(t, http.StatusServiceUnavailable, requests[0].Status)
		assert.Equal(t, http.StatusSwitchingProtocols, requests[4].Status)
	})
}

// TestEventsOverSockets closes the server before its client, over sockets and in process.
func TestEventsOverSockets(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		s := NewServer(opts...)
		t.Cleanup(s.Close)
		l, err := events.New(s.Client(), events.WithURL(s.EventsURL))
		require.NoError(t, err)
		t.Cleanup(l.Close)
		account, err := l.Account(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.Events().Hears("private-user.1.jobs") }, time.Minute, time.Millisecond)
		job, err := s.Client().Jobs.Create(t.Context(), textJob())
		require.NoError(t, err)
		wake, stop := account.WatchJob(t.Context(), job.ID)
		defer stop()
		<-wake
		s.Close()
		assert.Zero(t, s.Events().Connections())
	})
}

func TestWithEventsAddr(t *testing.T) {
	t.Parallel()
	s := NewServer(WithEventsAddr("127.0.0.1:0"))
	t.Cleanup(s.Close)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, s.EventsURL)
	_, err := Start(WithEventsAddr(strings.TrimPrefix(s.EventsURL, "http://")))
	require.ErrorContains(t, err, "listen on")
	resp, err := s.HTTPClient().Get(s.EventsURL + "/v2/jobs") //nolint:noctx // the server is here
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
}
