package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// connect returns a client for the service, or for a local sandbox if there is
// no API key. The caller calls the function it returns at the end.
func connect(s settings, stderr io.Writer) (*cloudconvert.Client, func(), error) {
	if os.Getenv("CLOUDCONVERT_API_KEY") == "" {
		if s.sandbox || s.region != "" {
			return nil, nil, errors.New("-sandbox and -region need an API key in CLOUDCONVERT_API_KEY")
		}
		fmt.Fprintln(stderr, "No CLOUDCONVERT_API_KEY is set: using a local sandbox, which converts pictures and archives.")
		server := cloudconverttest.NewServer()
		return server.Client(), server.Close, nil
	}
	var options []cloudconvert.Option
	if s.sandbox {
		options = append(options, cloudconvert.WithSandbox())
	}
	if s.region != "" {
		options = append(options, cloudconvert.WithRegion(cloudconvert.Region(s.region)))
	}
	client, err := cloudconvert.NewClientFromEnv(options...)
	return client, func() {}, err
}
