package cloudconverttest

import (
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/record"
)

// Delivery is an attempt to deliver a webhook.
type Delivery struct {
	Event string
	URL   string
	JobID string
	// Attempt is 1 for the first one.
	Attempt int
	// Body is the body that was sent, and Signature its signature. The latter is
	// empty for the webhook_url of a job, since the service does not document one.
	Body      []byte
	Signature string
	// Status is the status of the response, or 0 with an Err.
	Status int
	Err    error
	Time   time.Time
}

// Deliveries returns the attempts to deliver webhooks, the oldest first. Only
// the newest ones are kept, see [WithRequestLog].
func (s *Server) Deliveries() []Delivery {
	all := s.webhooks.Deliveries()
	out := make([]Delivery, len(all))
	for i, d := range all {
		out[i] = Delivery(d)
		out[i].URL = record.URL(d.URL)
	}
	return out
}
