package cloudconvert

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigurationPrintsNoKey(t *testing.T) {
	t.Parallel()
	const key = "an-invented-api-key"
	client, err := NewClient(key)
	require.NoError(t, err)
	require.Equal(t, key, client.core.config.apiKey())
	for _, value := range []any{client.core, *client, client.core.config, &client.core.config, client.core.config.apiKey, client.Jobs} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			assert.NotContains(t, fmt.Sprintf(verb, value), key)
			assert.NotContains(t, fmt.Sprintf(verb, value), fmt.Sprintf("%x", key))
		}
	}
}

// The newest release in the changelog is the version that the client sends.
func TestChangelogDescribesVersion(t *testing.T) {
	t.Parallel()
	changelog, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	headings := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(string(changelog), 2)
	require.Len(t, headings, 2)
	assert.Equal(t, "[Unreleased]", headings[0][1])
	release := regexp.MustCompile(`^\[(.*)\] - (.*)$`).FindStringSubmatch(headings[1][1])
	require.NotNil(t, release, "%q is not a version and a date", headings[1][1])
	assert.Equal(t, version, release[1])
	_, err = time.Parse(time.DateOnly, release[2])
	require.NoError(t, err)
}
