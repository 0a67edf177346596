package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/engines"
)

// connect returns a client for the service, or for a local sandbox if there is
// no API key. The caller calls the returned function at the end.
func connect(ctx context.Context, s *settings, term *terminal) (*cloudconvert.Client, func(), error) {
	if os.Getenv("CLOUDCONVERT_API_KEY") == "" {
		if s.sandbox || s.region != "" {
			return nil, nil, errors.New("-sandbox and -region need an API key in CLOUDCONVERT_API_KEY")
		}
		s.local = true
		return connectLocally(ctx, term)
	}
	var options []cloudconvert.Option
	if s.sandbox {
		options = append(options, cloudconvert.WithSandbox())
	}
	if s.region != "" {
		options = append(options, cloudconvert.WithRegion(cloudconvert.Region(s.region)))
	}
	client, err := cloudconvert.NewClientFromEnv(options...)
	if err != nil {
		return nil, nil, errors.New(plain(err))
	}
	return client, client.CloseIdleConnections, nil
}

// connectLocally starts a sandbox in this process.
func connectLocally(ctx context.Context, term *terminal) (*cloudconvert.Client, func(), error) {
	server, err := cloudconverttest.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("start a local sandbox: %w", err)
	}
	var names []string
	registered, _ := engines.Register(ctx, server, engines.Options{})
	for _, engine := range registered {
		if !slices.Contains(names, engine.Name) {
			names = append(names, engine.Name)
		}
	}
	term.printf("No CLOUDCONVERT_API_KEY is set: using a local sandbox, which converts images and archives, and more with %s.",
		strings.Join(names, ", "))
	return server.Client(), server.Close, nil
}
