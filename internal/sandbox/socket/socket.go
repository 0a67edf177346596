// Package socket is the event socket of a server: the channels of jobs and tasks, who may
// join them, and which events they get. The protocol is in internal/sioserver.
package socket

import (
	"encoding/json"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

// Socket sends the events of jobs and tasks.
type Socket struct {
	*sioserver.Server

	Channels Channels

	mu     sync.Mutex
	silent bool
	repeat int
}

// New returns a socket for the channels.
func New(channels Channels) *Socket {
	return &Socket{Server: sioserver.New(channels.Authorize), Channels: channels}
}

// SetFaults replaces the faults. A silent socket sends no events of jobs and tasks; repeat
// is how many additional times each one is sent.
func (s *Socket) SetFaults(faults sioserver.Faults, silent bool, repeat int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent, s.repeat = silent, max(repeat, 0)
	s.Set(faults)
}

// JobEvent sends an event of a job. It calls body only if a client hears it.
func (s *Socket) JobEvent(event, id string, body func() any) error {
	return s.emit(event, body, jobChannel+id, s.Channels.userJobs())
}

// TaskEvent sends an event of a task. The id of its job may be empty.
func (s *Socket) TaskEvent(event, id, jobID string, body func() any) error {
	channels := []string{taskChannel + id, s.Channels.userTasks()}
	if jobID != "" {
		channels = append(channels, jobChannel+jobID+ofTasks)
	}
	return s.emit(event, body, channels...)
}

// emit sends an event to all clients in the channels.
func (s *Socket) emit(event string, body func() any, channels ...string) error {
	s.mu.Lock()
	silent, times := s.silent, 1+s.repeat
	s.mu.Unlock()
	if silent {
		return nil
	}
	for _, channel := range channels {
		if !s.Hears(channel) {
			continue
		}
		data, err := wire.Encode(body())
		if err != nil {
			return err
		}
		for range times {
			if err := s.Emit(channel, event, json.RawMessage(data)); err != nil {
				return err
			}
		}
	}
	return nil
}
