package cloudconvert

import (
	"fmt"
	"testing"

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
