package cloudconvert

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// UsersService reads the account.
type UsersService service

// User is an account of the service.
type User struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	// Credits is the number of conversion credits left.
	Credits   int       `json:"credits"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	Links     Links     `json:"links,omitzero"`
}

// Me returns the account of the API key, which must have the scope user.read. It
// is the cheapest way to check a key.
func (s *UsersService) Me(ctx context.Context, opts ...CallOption) (*User, error) {
	return object[User](ctx, s.core, call{method: http.MethodGet, path: "/users/me"}, opts)
}

// UnmarshalJSON decodes an account. It tolerates fields of unexpected types. The
// id may be a number or a string.
func (u *User) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID        lenient.String            `json:"id"`
		Username  lenient.String            `json:"username"`
		Email     lenient.String            `json:"email"`
		Credits   lenient.Int               `json:"credits"`
		CreatedAt lenient.Time              `json:"created_at"`
		Links     lenient.Object[linksWire] `json:"links"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*u = User{
		ID:        string(wire.ID),
		Username:  string(wire.Username),
		Email:     string(wire.Email),
		Credits:   int(wire.Credits),
		CreatedAt: wire.CreatedAt.Time,
		Links:     Links{Self: string(wire.Links.Value.Self)},
	}
	return nil
}
