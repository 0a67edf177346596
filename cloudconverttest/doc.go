// Package cloudconverttest is a CloudConvert in one process, in the manner of
// net/http/httptest: for tests of programs that use CloudConvert, without
// network, key or costs.
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
// The server speaks HTTP like the service: the API, the sync host that answers
// when a job has ended, the storage with its upload forms and signed addresses,
// webhooks, signed URLs and OAuth. Jobs and tasks go through the same states as
// there. Wrong requests are refused as strictly as by the service, so that mistakes
// show in the test: uploads without a length (411) or with a key (400), wrong keys
// (401) and scopes (403), invalid tasks (422) and so on. An option that the server's
// own conversions do not know is accepted and has no effect, as the service is not
// known to refuse it.
//
// Pictures are really converted, thumbnails and watermarks included, archives are
// packed and unpacked, and metadata is read. Everything else fails with
// INVALID_CONVERSION_TYPE, unless a function for it was registered with
// [Server.HandleConvert] or [Server.Handle].
//
// Where the behavior of the service is not known, the server does something
// plausible; do not rely on it. That is the case for the order of tasks in a
// job, the state of a task after it was cancelled, jobs of retried tasks, and
// the texts of errors. A task whose input failed with ignore_error runs with
// the inputs that are left.
//
// # Making things go wrong
//
// [Server.Inject] breaks connections, delays, cuts off and replaces answers,
// for the requests a [Fault] matches. Options such as [WithCredits],
// [WithRateLimit], [WithParallelJobs] and [WithWhitelist] set the limits of an
// account, and [Server.Advance] lets time pass: results expire after 24 hours.
//
// # Events
//
// The event socket is at an address of its own, for the package events:
//
//	client, url := server.Client(), server.EventsURL
//	listener, err := events.New(client, events.WithURL(url))
//
// What [Server.Events] returns can break, delay, flood and silence it, and make it
// tell lies.
//
// # Looking at what happened
//
// [Server.Requests], [Server.Jobs], [Server.Tasks] and [Server.Deliveries] tell
// what the program under test has done. They show no keys and no credentials.
// [Server.WaitIdle] waits until no work and no delivery is under way.
//
// # Time
//
// With [WithInProcess] the server uses no sockets and works inside a
// testing/synctest bubble, where tests with long waits take no time:
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
// With [WithHTTP2] the server speaks TLS and offers HTTP/2, over sockets and in
// process. It is for programs that give the client of the SDK a transport of
// their own: net/http repeats requests over HTTP/2 in other cases than over
// HTTP/1.1, and shares one connection between all requests to a host.
package cloudconverttest
