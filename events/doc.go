// Package events receives what happens to jobs and tasks at the moment it
// happens, over the event socket of CloudConvert.
//
// It is experimental: the service documents its socket in a few lines only, and
// the authors of this package could not try it against the service. It may change
// in any version.
//
//	listener, err := events.New(client)
//	if err != nil {
//		return err
//	}
//	defer listener.Close()
//	subscription, err := listener.Subscribe(ctx, events.JobTasks(job.ID))
//	if err != nil {
//		return err
//	}
//	defer subscription.Close()
//	for event, err := range subscription.Events(ctx) {
//		if err != nil {
//			return err
//		}
//		task, err := event.Task()
//		if err != nil {
//			continue // a Resync has no task
//		}
//		fmt.Println(task.Name, task.Status, task.Percent)
//		if task.Name == "export-url" && task.Status.Terminal() {
//			break // the last task of the job, as Pipeline names it
//		}
//	}
//
// The loop does not end with the job. It ends with a break, with the context,
// whose error comes last, or when the subscription or the listener is closed.
// As events may be lost, give it a context that ends.
//
// # Events are hints
//
// The API knows what has happened; an event says when to ask it. Events are lost
// while the line, the connection to the socket, is down, and there is no replay.
// The service authorizes each subscription separately, which takes a moment, and
// never says when it has: what happens meanwhile is lost too. A refused
// subscription may be told so, or may stay silent. The same task may end more than
// once.
//
// So if you need to know the state of a job, ask for it after [Client.Subscribe],
// again some seconds later, and each time that a [Resync] tells that there may be
// a gap. [cloudconvert.JobsService.Wait] does all that if it is given the
// listener:
//
//	job, err := client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(listener))
//
// For many jobs at once an [Account] takes a single subscription for all of
// them:
//
//	account, err := listener.Account(ctx)
//	...
//	for result := range client.RunAll(ctx, works, cloudconvert.WithSignal(account)) {
//
// A job that is created while the account is heard takes one look, at its end, if
// that comes soon; otherwise further ones, in pauses of up to half a minute, in case
// an event was lost.
//
// # The line
//
// All subscriptions of a client share one line. It is made for the first one, kept
// alive, made again when it breaks, and given up some seconds after the last
// subscription was closed. Each time it is made, all channels are joined again.
//
// The API key, or a fresh token, is sent with each subscription, to the socket and
// nowhere else.
//
// Tests have an event socket in the package cloudconverttest: give its
// EventsURL to [WithURL].
//
// There is one socket for all regions: a client made with [cloudconvert.WithRegion]
// uses the same one, and gets the same events.
package events
