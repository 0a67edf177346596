package api

import (
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

func (a *API) showUser(c *call) error {
	u := wire.User{
		ID: UserID, Username: "local", Email: "local@example.com", CreatedAt: clock.Timestamp(a.since), Credits: a.cfg.Account.Credits(),
		Links: wire.Self{Self: a.url + "/users/1"},
	}
	return c.data(http.StatusOK, u)
}
