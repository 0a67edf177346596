package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// connect makes the clients. Nothing is sent yet.
func connect(ctx context.Context, s *settings) (*converter, error) {
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
	c := &converter{settings: s, client: client, listener: listener, started: time.Now()}
	if err := c.connectS3(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// connectS3 makes the clients that list, and loads the credentials for the service.
func (c *converter) connectS3(ctx context.Context) error {
	lister, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load the AWS configuration: %w", err)
	}
	c.from.region = cmp.Or(c.from.region, lister.Region)
	c.to.region = cmp.Or(c.to.region, lister.Region)
	if c.from.region == "" || c.to.region == "" {
		return errors.New("the AWS configuration has no region: set AWS_REGION, or -from-region and -to-region")
	}
	c.sources = newS3(lister, c.from.region)
	c.results = newS3(lister, c.to.region)
	if c.dryRun {
		return nil
	}
	service, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(c.serviceProfile))
	if err != nil {
		return fmt.Errorf("load the AWS profile for CloudConvert: %w", err)
	}
	c.credentials = service.Credentials
	return nil
}

// newS3 makes a client. Stores that are compatible with S3 often have no host names for
// their buckets.
func newS3(c aws.Config, region string) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = o.BaseEndpoint != nil
	})
}

func (c *converter) close() {
	c.listener.Close()
	c.client.CloseIdleConnections()
}
