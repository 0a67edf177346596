package cloudconvert

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	vectorBase   = "https://s.cloudconvert.com/b3d85428-584e-4639-bc11-76b7dee9c109"
	vectorSecret = "NT8dpJkttEyfSk3qlRgUJtvTkx64vhyX"
)

// Encoders produce different JSON for a job, so the vectors start from JSON.
func TestSignURLVectors(t *testing.T) {
	t.Parallel()
	logo := `{"tasks":{"import-it":{"operation":"import/url","url":"https://some.url","filename":"logo.png"},"export-it":{"operation":"export/url","input":"import-it","inline":true}}}`
	marks := `{"tasks":{"import-it":{"operation":"import/url","url":"https://some.url","filename":"???>>>???>>>.png"},"export-it":{"operation":"export/url","input":"import-it"}}}`
	tests := map[string]struct{ payload, cacheKey, job, signature string }{
		"plain": {
			logo, "mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6ImxvZ28ucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnQvdXJsIiwiaW5wdXQiOiJpbXBvcnQtaXQiLCJpbmxpbmUiOnRydWV9fX0",
			"209d54e4454a407de71a07e6e500f45155fecf58a4e53d68329fbf358efcd823",
		},
		"without a cache key": {
			logo, "",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6ImxvZ28ucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnQvdXJsIiwiaW5wdXQiOiJpbXBvcnQtaXQiLCJpbmxpbmUiOnRydWV9fX0",
			"acead776d50bfc16fee6eff626102704601d4f074536eb4634fdeb9f348b8f68",
		},
		"escaped slashes": {
			`{"tasks":{"import-it":{"operation":"import\/url","url":"https:\/\/some.url","filename":"test.png"},"export-it":{"operation":"export\/url","input":"import-it","inline":true}},"tag":null,"webhook_url":null}`,
			"mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0XC91cmwiLCJ1cmwiOiJodHRwczpcL1wvc29tZS51cmwiLCJmaWxlbmFtZSI6InRlc3QucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnRcL3VybCIsImlucHV0IjoiaW1wb3J0LWl0IiwiaW5saW5lIjp0cnVlfX0sInRhZyI6bnVsbCwid2ViaG9va191cmwiOm51bGx9",
			"fb2760b572f652316d2ca218cec980024057ff108a472425c9fcc6136709cbe8",
		},
		"operation last": {
			`{"tasks":{"import-it":{"operation":"import/url","filename":"test.file","url":"http://invalid.url"},"convert-it":{"input":"import-it","operation":"convert","output_format":"pdf"}}}`,
			"mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsImZpbGVuYW1lIjoidGVzdC5maWxlIiwidXJsIjoiaHR0cDovL2ludmFsaWQudXJsIn0sImNvbnZlcnQtaXQiOnsiaW5wdXQiOiJpbXBvcnQtaXQiLCJvcGVyYXRpb24iOiJjb252ZXJ0Iiwib3V0cHV0X2Zvcm1hdCI6InBkZiJ9fX0",
			"3fb529168264bccea28ba9a1d02f2a4662d1917029829ee77e753a7748b98904",
		},
		"an upload": {
			`{"tasks":{"import_example_1":{"operation":"import/upload"},"convert":{"operation":"convert","input":"import_example_1","input_format":"pdf","output_format":"docx"},"export":{"operation":"export/url","input":"convert"}}}`,
			"mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnRfZXhhbXBsZV8xIjp7Im9wZXJhdGlvbiI6ImltcG9ydC91cGxvYWQifSwiY29udmVydCI6eyJvcGVyYXRpb24iOiJjb252ZXJ0IiwiaW5wdXQiOiJpbXBvcnRfZXhhbXBsZV8xIiwiaW5wdXRfZm9ybWF0IjoicGRmIiwib3V0cHV0X2Zvcm1hdCI6ImRvY3gifSwiZXhwb3J0Ijp7Im9wZXJhdGlvbiI6ImV4cG9ydC91cmwiLCJpbnB1dCI6ImNvbnZlcnQifX19",
			"81213540c2ccdf3330a0cf237642f14b381f57cf5bbffe293eb118468fde700b",
		},
		"lists of inputs": {
			`{"tasks":{"import-my-file":{"url":"import-url","operation":"import/url"},"convert-my-file":{"input":["import-my-file"],"operation":"convert"},"export-my-file":{"input":["convert-my-file"],"operation":"export/url"}}}`,
			"mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnQtbXktZmlsZSI6eyJ1cmwiOiJpbXBvcnQtdXJsIiwib3BlcmF0aW9uIjoiaW1wb3J0L3VybCJ9LCJjb252ZXJ0LW15LWZpbGUiOnsiaW5wdXQiOlsiaW1wb3J0LW15LWZpbGUiXSwib3BlcmF0aW9uIjoiY29udmVydCJ9LCJleHBvcnQtbXktZmlsZSI6eyJpbnB1dCI6WyJjb252ZXJ0LW15LWZpbGUiXSwib3BlcmF0aW9uIjoiZXhwb3J0L3VybCJ9fX0",
			"b04d8cf7d65ec56c839443c69dd2bb75e8792e006441019957c0d9824319612a",
		},
		"other characters than those of URLs": {
			marks, "mykey",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6Ij8_Pz4-Pj8_Pz4-Pi5wbmcifSwiZXhwb3J0LWl0Ijp7Im9wZXJhdGlvbiI6ImV4cG9ydC91cmwiLCJpbnB1dCI6ImltcG9ydC1pdCJ9fX0",
			"bbf048438f8eabb2105945b0affc528eef9e926e09653eb225c8aa605a3ae9bd",
		},
		"those without a cache key": {
			marks, "",
			"eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6Ij8_Pz4-Pj8_Pz4-Pi5wbmcifSwiZXhwb3J0LWl0Ijp7Im9wZXJhdGlvbiI6ImV4cG9ydC91cmwiLCJpbnB1dCI6ImltcG9ydC1pdCJ9fX0",
			"6c976484b12e5db62ad1b15aaab3b6cbe51558c62c1cbe438811a908970cb2c5",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := vectorBase + "?job=" + tt.job
			if tt.cacheKey != "" {
				want += "&cache_key=" + tt.cacheKey
			}
			assert.Equal(t, want+"&s="+tt.signature, signURL(vectorBase, vectorSecret, []byte(tt.payload), tt.cacheKey))
		})
	}
}

// Two other implementations do the same.
func TestSignURLUsesURLAlphabetWithoutPadding(t *testing.T) {
	t.Parallel()
	marks := []byte(`{"tasks":{"import-it":{"operation":"import/url","url":"https://some.url","filename":"???>>>???>>>.png"},"export-it":{"operation":"export/url","input":"import-it"}}}`)
	spaced := []byte(`{"tasks": {"import-file": {"operation": "import/url", "url": "https://github.com/cloudconvert/cloudconvert-php/raw/master/tests/Integration/files/input.pdf"}, "export-file": {"operation": "export/url", "input": "import-file"}}}`)

	address := signURL(vectorBase, vectorSecret, marks, "mykey")
	assert.NotContains(t, address, "24c12198200dbaa2adc9f58a2d5aaf7e6028a2cb1095f494d634579c477569ed", "padded")
	assert.NotContains(t, address, "9731d0269706399c1fc1f6ab4de0a198b084d8585c9fae8a8c57dcac50f73417", "two alphabets")
	assert.NotContains(t, address, base64.StdEncoding.EncodeToString(marks))

	address = signURL(vectorBase, vectorSecret, spaced, "mykey")
	assert.NotContains(t, address, "6dd147217a39534249a3cb418b357ba8cceacf74fc0db0d52630a07cac1ca268", "padded")
}
