package cloudconvert_test

import (
	"context"
	"fmt"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// printEnd prints what a client has done. For OpenTelemetry there is package otel.
func printEnd(ctx context.Context, _ cloudconvert.Activity) (context.Context, func(cloudconvert.Activity)) {
	return ctx, func(a cloudconvert.Activity) {
		switch a.Kind {
		case cloudconvert.ActivityRequest:
			fmt.Println(a.Kind, a.Method, a.Path, a.StatusCode)
		default:
			fmt.Println(a.Kind, a.Status, a.Err)
		}
	}
}

// Print what a client does.
func ExampleWithObserver() {
	server := cloudconverttest.NewServer()
	defer server.Close()

	client := server.Client(cloudconvert.WithObserver(printEnd))
	_, err := client.Run(context.Background(), cloudconvert.Pipeline(
		cloudconvert.FromBytes("notes.txt", []byte("some notes")),
		cloudconvert.Archive{OutputFormat: "zip"},
	))
	fmt.Println(err)
	// Output:
	// request POST /v2/jobs 201
	// create finished <nil>
	// run finished <nil>
	// <nil>
}
