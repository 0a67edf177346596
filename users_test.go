package cloudconvert_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestUsersMe(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.Recorded(t, "user.json")))
	user, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &cloudconvert.User{
		ID: "4711", Username: "Ada", Email: "ada@example.com", Credits: 1000,
		CreatedAt: time.Date(2018, 12, 1, 22, 26, 29, 0, time.UTC), Links: cloudconvert.Links{Self: "https://api.cloudconvert.com/v2/users/4711"},
	}, user)
	assert.Equal(t, []string{"GET https://api.example.com/base/v2/users/me"}, script.URLs())
}

func TestUserToleratesUnexpectedTypes(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]cloudconvert.User{
		`{"id": "4711", "credits": "12"}`:             {ID: "4711", Credits: 12},
		`{"id": 4711, "credits": 12.75}`:              {ID: "4711", Credits: 12},
		`{"id": 1, "credits": null, "links": []}`:     {ID: "1"},
		`{"id": 1, "email": null, "username": 7}`:     {ID: "1", Username: "7"},
		`{"id": 1, "created_at": "yesterday"}`:        {ID: "1"},
		`{"id": 1, "created_at": [], "credits": "a"}`: {ID: "1"},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var user cloudconvert.User
			require.NoError(t, json.Unmarshal([]byte(data), &user))
			assert.Equal(t, want, user)
		})
	}
}
