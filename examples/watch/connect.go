package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// place is the service, or a local sandbox, with a client and a listener.
type place struct {
	client   *cloudconvert.Client
	listener *events.Client
	job      string
	close    func()
}

// connect finds the service, or starts a local sandbox if there is no API key.
func connect(ctx context.Context, s settings, stderr io.Writer) (*place, error) {
	if os.Getenv("CLOUDCONVERT_API_KEY") == "" {
		return connectLocally(ctx, s, stderr)
	}
	client, err := cloudconvert.NewClientFromEnv()
	if err != nil {
		return nil, err
	}
	var options []events.Option
	if rawURL := os.Getenv("CLOUDCONVERT_EVENTS_URL"); rawURL != "" {
		options = append(options, events.WithURL(rawURL))
	}
	listener, err := events.New(client, options...)
	if err != nil {
		return nil, err
	}
	return &place{client: client, listener: listener, job: s.job, close: listener.Close}, nil
}

// connectLocally starts a sandbox in this process, and a job in it.
func connectLocally(ctx context.Context, s settings, stderr io.Writer) (*place, error) {
	server, err := cloudconverttest.Start()
	if err != nil {
		return nil, fmt.Errorf("start a local sandbox: %w", err)
	}
	fmt.Fprintln(stderr, "No CLOUDCONVERT_API_KEY is set: following a job of a local sandbox.")
	p := &place{client: server.Client()}
	p.listener, err = events.New(p.client, events.WithURL(server.EventsURL))
	if err != nil {
		server.Close()
		return nil, err
	}
	p.close = func() {
		p.listener.Close()
		server.Close()
	}
	server.HandleConvert("txt", "pdf", slowly(s.length))
	job, err := p.client.Jobs.Create(ctx, cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "It was a dark and stormy night.", Filename: "novel.txt"},
		cloudconvert.Convert{OutputFormat: "pdf"},
		cloudconvert.ExportURL{},
	))
	if err != nil {
		p.close()
		return nil, err
	}
	p.job = job.ID
	return p, nil
}

// slowly makes a result after some time.
func slowly(length time.Duration) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		steps := time.NewTicker(max(length/100, time.Nanosecond))
		defer steps.Stop()
		for percent := range 100 {
			run.SetPercent(percent)
			select {
			case <-steps.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return run.Write(run.OutputName(run.Input()), []byte("%PDF-1.7"))
	}
}
