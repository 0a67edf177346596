// Package cloudconverttest provides a fake CloudConvert server for tests, in the manner
// of net/http/httptest. Tests need no network, no key and no credits.
//
// A test of a program that converts a file:
//
//	func TestReport(t *testing.T) {
//		server := cloudconverttest.NewServer()
//		defer server.Close()
//		server.HandleConvert("docx", "pdf", toPDF)
//
//		// The program under test.
//		pdf := filepath.Join(t.TempDir(), "report.pdf")
//		_, err := server.Client().ConvertFile(t.Context(), "report.docx", pdf)
//		if err != nil {
//			t.Fatal(err)
//		}
//
//		if n := len(server.Jobs()); n != 1 {
//			t.Errorf("%d jobs were created, want 1", n)
//		}
//	}
//
//	func toPDF(_ context.Context, run *cloudconverttest.Run) error {
//		return run.Write(run.OutputName(run.Input()), []byte("%PDF-1.7"))
//	}
//
// # What it does
//
// The server has the HTTP interfaces of the service: the API, the sync host that responds
// when a job has ended, the storage with its upload forms and signed URLs, webhooks,
// signed URLs and OAuth. Jobs and tasks have the same states. Invalid requests are
// refused as strictly as by the service, so that a test finds them: uploads without a
// length (411) or with a key (400), invalid keys (401), missing scopes (403), invalid
// tasks (422) and so on. An option that the built-in conversions do not know is accepted
// and ignored, since the service is not known to refuse it.
//
// The server converts images, makes thumbnails and watermarks, packs and unpacks
// archives, and reads metadata. Everything else fails with INVALID_CONVERSION_TYPE,
// unless a function for it was registered with [Server.HandleConvert] or [Server.Handle],
// or [WithStandIns] finishes every task with a small file of the right type. The catalog
// of operations and formats lists what the server does.
//
// Where the behavior of the service is unknown, do not rely on that of the server: the
// order of tasks in a job, the state of a cancelled task, jobs of retried tasks, and the
// texts of errors. A task whose input failed with ignore_error runs with the other
// inputs. POST /v2/watermark without an input is refused. docs/sandbox.md in the repository
// lists the codes that no public source shows.
//
// Pages of any origin may use the server from a browser. Their preflights are not
// recorded, and no [Fault] affects them.
//
// # Storage services
//
// What a task exports to S3, Azure, Google, OpenStack or SFTP can be imported from the same
// bucket for 24 hours, by key and by prefix. With [WithObjects], a directory stands for the
// services, in which a test finds what was exported. [Server.HandleObject] registers
// single objects to import.
//
// # Faults
//
// [Server.Inject] breaks connections, and delays, truncates and replaces responses, for
// the requests that a [Fault] matches. Options such as [WithCredits], [WithRateLimit],
// [WithParallelJobs] and [WithWhitelist] set the limits of an account. [Server.Advance]
// moves the clock: results expire after 24 hours.
//
// # Events
//
// The event socket has a separate URL, for the package events:
//
//	client, url := server.Client(), server.EventsURL
//	listener, err := events.New(client, events.WithURL(url))
//
// Like the service, it repeats nothing: a client that joins the channel of a job that has
// ended gets no event. With [WithTaskDuration] jobs do not end before a client can join.
//
// [Server.Events] returns it. It can break, delay and repeat what it sends, send nothing,
// and send false events.
//
// # Inspection
//
// [Server.Requests], [Server.Jobs], [Server.Tasks] and [Server.Deliveries] return what
// the program under test did, without keys and credentials. [Server.WaitIdle] waits until
// no task runs and no delivery is pending.
//
// # Time
//
// With [WithInProcess] the server uses no sockets and works in a testing/synctest bubble,
// where tests with long waits take no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := cloudconverttest.NewServer(
//			cloudconverttest.WithInProcess(),
//			cloudconverttest.WithTaskDuration(time.Hour),
//		)
//		defer server.Close()
//		// ...
//	})
//
// # HTTP/2
//
// With [WithHTTP2] the server uses TLS and offers HTTP/2, over sockets and in process. It
// is for programs with a custom transport: over HTTP/2, net/http repeats requests in
// other cases than over HTTP/1.1, and all requests to a host share a connection.
package cloudconverttest
