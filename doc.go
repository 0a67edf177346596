// Package cloudconvert is a client for the CloudConvert API v2, which converts files
// between more than 200 formats: documents, images, video, audio, archives.
//
// # Quick start
//
//	client, err := cloudconvert.NewClientFromEnv() // reads CLOUDCONVERT_API_KEY
//	if err != nil {
//		return err
//	}
//	_, err = client.ConvertFile(ctx, "report.docx", "report.pdf")
//
// [Client.ConvertFile] converts a file in one call, and [Client.RunFile] runs any other
// operation: it takes a [JobRequest], which [Pipeline] makes of tasks that follow each
// other. [Client.Convert] and [Client.Run] do the same, but return the finished job and
// write no files. [Client.RunAll] runs many jobs concurrently. A [Client] and its
// services are safe for concurrent use.
//
// # Files
//
// The sources of a job are [FromFile], [FromFS], [FromBytes], [FromReader] and [FromURL].
// Small files are sent within the request that creates the job, see [WithInlineLimit],
// and larger ones are uploaded. [TasksService.Upload] sends a file to a task of a job
// that was created before.
//
// [Job.Files] lists the files of a finished job. [Client.SaveAs] and [Client.Save] write
// them to disk. Each file appears whole or not at all, and an existing file is replaced
// only with [WithOverwrite]. [Client.Download] writes a file to an [io.Writer], and
// [Client.Open] returns a reader, which the caller must close. Files stay on the service
// for 24 hours, unless [WithDelete] deletes the job.
//
// # Errors
//
// A failed request is an [*Error] with the status and code of the response. [errors.Is]
// matches it against [ErrNotFound], [ErrRateLimited] and the other sentinels, and against
// its [Code]. A job that ended in error is a [*JobError], which is returned together with
// the job and names the first cause. If the files of a finished job could not be written,
// the error is an [*UnsavedError] with the job: save them with [Client.SaveAs], and do not
// run another job.
//
// If the context ends a wait, the error is a [*WaitError] with the id of the job. If it
// ends the request that creates the job, the error is an [*OutcomeError] with its tag.
//
// [IsRetryable] reports whether the same call may succeed later and does no harm.
//
// With [WithKey], a call can be repeated after any of these errors, even by another
// process: it continues the job that there is.
//
// # Testing
//
// Package cloudconverttest is a CloudConvert in your test process. It converts images and
// archives itself, and everything else with functions that you register. It can also
// inject faults.
//
// # Waiting
//
// [JobsService.Wait] asks a host that responds when the job has ended, in requests of at
// most a minute each. If that host fails, Wait polls the other one. It continues after a
// lost connection, a response that says nothing about the job, and a failure of the
// service. It ends with the context, and with an error that a retry would not change,
// such as 401, 404 or an untrusted certificate.
//
// Each call returns when its context ends. If it then has to delete something at the
// service, it returns within a second, and the error names what could not be deleted in
// that time. This requires a transport whose round trips end with the context of their
// request, as those of [net/http.Transport] do. With another transport, a call returns
// only when its round trips end, and deletes nothing after that second.
// [Client.Download] also waits for a Write that blocks.
//
// # Retries
//
// A request is retried only if the response, or the lack of one, proves that this does no
// harm. [RetryPolicy] limits the attempts. The pauses before them are random and grow,
// unless the response asks for one with Retry-After. If the pause does not end before the
// deadline of the context, the call returns at once.
//
//	                                        GET, DELETE    POST
//	no connection                           retried        retried
//	429                                     retried        retried
//	connection lost, response cut short     retried        not retried
//	408, 5xx except 501                     retried        not retried
//	wrong certificate, refused by TLS,
//	or by a proxy with most 4xx             not retried    not retried
//	any other response                      returned       returned
//
// A proxy that fails, as with a 503, has not made a connection.
//
// The API has no idempotency key: a POST that may have reached the service could create,
// and charge, a second job if it were retried. [JobsService.Create] therefore gives each
// job without a tag a unique one. If the response is lost, it looks for the job by that
// tag. If it does not find the job, the error is an [*OutcomeError].
//
// [Client.Run], and the calls that are based on it, send some creations to the host that
// responds when the job has ended. A creation that did not reach that host is sent to the
// other host, whatever the reason, including a wrong certificate.
//
// With [WithTokenSource], a request refused with 401 is retried once if there is a new
// token.
//
// Transfers follow [TransferPolicy]. An upload is retried, since it replaces the same
// object, and a download is resumed where it broke. Their pauses are those of
// [RetryPolicy]. A redirect of a transfer that is not followed, such as one from https to
// http, is not retried.
//
// # Limits
//
// The service limits how many jobs and tasks are created in a window of time. All
// goroutines of a client, and of clients made from it by [Client.With] for the same
// account, share one limiter. Creations wait in the order in which they came.
//
// The limiter does not know whether the service accepts more if nothing was created yet,
// the announced number is used up, or a creation was refused. One creation then finds
// out, and the others wait for its response. The response comes at once, with one
// exception: if nothing is known at all, the creation is alone, and its call waits for
// the job, then the response comes when the job has ended. Creations that come meanwhile
// wait for at most a second. A used-up window therefore costs one refused request, as
// long as responses carry the documented headers and no other process uses up the same
// window.
//
// Without X-RateLimit-Remaining, all creations pass until the first refusal. After that
// the client goes by how many creations passed between the last two refusals.
//
// # Logging
//
// Nothing is logged by default, see [WithLogger]. [WithObserver] reports what a client
// does, for traces and metrics.
//
// Tasks and responses contain secrets: credentials, payloads, and the URLs of files and
// forms. Package fmt prints an outline of them without secrets, also within slices, maps
// and exported fields of structs. It does not call the Format method of a value in an
// unexported field: there, a [Job], [Task], [TaskError], [File], [UploadForm], [Page],
// [WebhookEvent], [Response] or request is printed with its secrets. Give your struct a
// Format method. Or keep a pointer in such a field and print the struct with %v or %+v,
// which print the pointer as a hexadecimal address: %s and %q print all behind it.
//
// Package slog calls the LogValue method of a value, but not those of the values within a
// slice, a map or a struct of yours. Its JSON handler writes those as JSON, secrets
// included. Log such values one by one, or log what [fmt.Sprint] returns for them.
//
// A transport that traces or logs requests sees the URLs of files and forms, see
// [WithHTTPClient].
package cloudconvert
