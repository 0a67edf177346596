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
// [Pipeline] makes one of tasks that follow each other. Uploads go to a task by
// [TasksService.Upload], results come from [Job.Files] by [Client.Save] or
// [Client.Download].
//
// A [Client] is safe for concurrent use, as are its services. Every call ends
// when its context ends.
//
// # Errors
//
// A request that failed is an [*Error] with the status and code of the answer.
// [errors.Is] matches it against [ErrNotFound], [ErrRateLimited] and the other
// sentinels, and against its [Code]. A job that ended in error is a [*JobError],
// which is returned together with the job and names the first cause.
// [IsRetryable] tells whether the same call may succeed later and does no harm.
//
// # What is sent again
//
// A request is sent again only if the answer proves that this has no effect of
// its own, at most [RetryPolicy] times, after a random, growing pause or the
// one that the answer asks for with Retry-After. If that does not fit before the
// context's deadline, the answer is returned at once.
//
//	                                        GET, DELETE    POST
//	no connection could be made             again          again
//	429                                     again          again
//	connection lost, answer cut short       again          never
//	408, 500 and above but 501              again          never
//	wrong certificate, no TLS               never          never
//	any other answer                        returned       returned
//
// With [WithTokenSource], a 401 is sent again once if there is a new token.
//
// The API has no idempotency key: a POST that may have reached the service
// could create, and charge, a second job. [JobsService.Create] therefore gives
// each job without a tag a unique one, by which it finds the job when the answer
// was lost. What stays open is an [*OutcomeError].
//
// Transfers have a rule of their own: an upload may be repeated, since it
// replaces the same object, and a download goes on where it broke.
//
// # Waiting
//
// [JobsService.Wait] asks a host that answers when the job has ended, again and
// again, in requests of at most a minute. Should that host fail, it
// polls. A lost connection or a failing service does not end a wait. Only the
// context does.
//
// # Logging
//
// Tasks and answers carry secrets: credentials, payloads, and the addresses of
// files and forms. Printed by package fmt they show an outline without these,
// also within slices, maps and structs. Package slog asks a value how to log it,
// but not what is within a slice, a map or a struct of yours: its JSON handler
// writes that as JSON, which has everything. Log such values one by one, or what
// fmt.Sprint makes of them.
//
// # Testing
//
// The package cloudconverttest is a CloudConvert within your test process. It
// converts pictures and archives by itself, everything else by functions that
// you register, and fails on demand.
package cloudconvert
