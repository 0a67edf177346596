package cloudconverttest

import (
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

func (s *Server) showUser(c *call) error {
	s.mu.Lock()
	u := wire.User{
		ID: userID, Username: "local", Email: "local@example.com", CreatedAt: clock.Timestamp(s.since), Credits: s.account.Credits(),
		Links: wire.Self{Self: s.URL + "/users/1"},
	}
	s.mu.Unlock()
	return c.data(http.StatusOK, u)
}
