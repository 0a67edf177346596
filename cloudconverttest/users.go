package cloudconverttest

import "net/http"

func (s *Server) showUser(c *call) error {
	s.mu.Lock()
	u := wireUser{
		ID: userID, Username: "local", Email: "local@example.com", CreatedAt: timestamp(s.since), Credits: s.credits,
		Links: wireSelf{s.URL + "/users/1"},
	}
	s.mu.Unlock()
	return c.data(http.StatusOK, u)
}
