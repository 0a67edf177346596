// Package cloudconvert is a client for the CloudConvert API v2, which converts
// files of more than 200 formats: documents, pictures, video, audio, archives.
//
// # Quick start
//
//	client, err := cloudconvert.NewClientFromEnv() // the key is in CLOUDCONVERT_API_KEY
//	if err != nil {
//		return err
//	}
//	_, err = client.ConvertFile(ctx, "report.docx", "report.pdf")
//
// [Client.ConvertFile] and [Client.Convert] do everything in one call. Below them
// are jobs: a [JobRequest] names tasks that import, process and export files, and
// [Pipeline] makes one of tasks that follow each other. [TasksService.Upload] sends
// a file to a task, and [Client.Save] or [Client.Download] fetches the files that
// [Job.Files] lists.
//
// A [Client] is safe for concurrent use, as are its services. Every call ends
// when its context ends, and within a second after that if there is something to
// delete then. What could not be deleted in this time is named in the error. This
// needs a transport whose round trips end with the context of their request, as
// those of [net/http.Transport] do: with another one, a call ends as late as its
// round trips, and deletes nothing after that second.
//
// # Errors
//
// A request that failed is an [*Error] with the status and code of the answer.
// [errors.Is] matches it against [ErrNotFound], [ErrRateLimited] and the other
// sentinels, and against its [Code]. A job that ended in error is a [*JobError],
// which is returned together with the job and names the first cause. If the context
// ends a wait, the error is a [*WaitError] with the id of the job; if it ends the
// request that creates the job, an [*OutcomeError] with its tag.
// [IsRetryable] reports whether the same call may succeed later without doing harm.
//
// # What is sent again
//
// A request is sent again only where what came back proves that this does no
// harm: as often as [RetryPolicy] allows, after a random, growing pause or the one
// that the answer asks for with Retry-After. If the pause does not fit before the
// context's deadline, the answer is returned at once.
//
//	                                        GET, DELETE    POST
//	no connection could be made             again          again
//	429                                     again          again
//	connection lost, answer cut short       again          never
//	408, 500 and above but 501              again          never
//	wrong certificate, refused by TLS,
//	or by a proxy with most 4xx             never          never
//	any other answer                        returned       returned
//
// [JobsService.CreateAndWait], and all that is made of it, sends a creation that did
// not reach the host that waits to the other host, whatever the reason: also after a
// wrong certificate. A proxy that fails, as with a 503, has made no connection.
//
// With [WithTokenSource], a 401 is sent again once if there is a new token.
//
// The API has no idempotency key: a POST that may have reached the service
// could create, and charge, a second job. [JobsService.Create] therefore gives
// each job without a tag a unique one, by which it looks for the job if the answer
// is lost. If it does not find it, the error is an [*OutcomeError].
//
// Transfers have a rule of their own, see [TransferPolicy]: an upload may be
// repeated, since it replaces the same object, and a download goes on where it
// broke. Their pauses are the same. A redirect of a transfer that is not followed,
// such as one from https to http, is not retried.
//
// # Limits
//
// The service limits how many jobs and tasks are created in a window of time. The
// goroutines of a client, and of those made of it by [Client.With], share what is
// known of that, and creations wait in the order in which they came. While it is not
// known whether there is room, because nothing was created yet, the room that the
// service announced is used up, or it has refused a creation, a single one finds out
// and the others wait for its response. That comes at once, but for a creation that
// is alone while nothing is known at all, and whose call waits for the job: its
// response comes when the job has ended, and others that come meanwhile wait for at
// most a second. So a used-up window costs one refused request, as long as responses
// carry the documented headers and no other process uses up the same window.
//
// Without X-RateLimit-Remaining, everything passes until the first refusal. After
// that the client follows how many creations passed between the last two.
//
// # Waiting
//
// [JobsService.Wait] asks a host that answers when the job has ended, again and
// again, in requests of at most a minute. If that host fails, it polls the other
// one. A lost connection, a response that says nothing about the job, or a failing
// service does not end a wait. The context does, and so does what a retry would not
// change: a refusal such as 401 or 404, or an untrusted certificate.
//
// # Logging
//
// Tasks and answers carry secrets: credentials, payloads, and the addresses of files
// and forms. Package fmt prints an outline of them without these, also within slices,
// maps and exported fields of structs. It does not ask a value in an unexported field
// how to print it: what it prints of a [Job], [Task], [TaskError], [File],
// [UploadForm], [Page], [WebhookEvent], [Response] or request there has the secrets in
// it. Give your struct a Format method, or keep a pointer in such a field and print
// the struct with %v or %+v, which print an address: %s and %q print all behind the
// pointer. Package slog asks a value how to log it, but not the values within a slice,
// a map or a struct of yours: its JSON handler writes those as JSON, secrets included.
// Log such values one by one, or log what [fmt.Sprint] makes of them.
//
// A transport that traces or logs requests sees the URLs of files and forms, see
// [WithHTTPClient].
//
// # Testing
//
// The package cloudconverttest is a CloudConvert within your test process. It
// converts pictures and archives by itself, everything else with functions that
// you register, and fails on demand.
package cloudconvert
