// Package events receives what happens to jobs and tasks at the moment it
// happens, over the event socket of CloudConvert.
//
// It is experimental: the service documents its socket with a few lines, and
// this package has not been tried against it by its authors. It may change in
// any version.
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
//		if task.Name == "export" && task.Status.Terminal() {
//			break // the last task of the job
//		}
//	}
//
// The loop does not end with the job. It ends with a break, with the context,
// whose error comes last, or when the subscription or the listener is closed.
// As events may be lost, give it a context that ends.
//
// # Events are hints
//
// What has happened, the API knows; an event says when to ask it. Events are
// lost while the line is down, and there is no replay. The service authorizes
// each subscription by itself, which takes a moment, and never says that it is
// done: what happens meanwhile is lost too. A subscription that was refused may
// be told so, or may stay silent. The same task may end more than once.
//
// So whoever needs to know the state of a job asks for it after
// [Client.Subscribe], again some seconds later, and each time that a [Resync]
// tells that there may be a gap. [cloudconvert.JobsService.Wait] does all that if
// it is given the listener:
//
//	job, err := client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(listener))
//
// For many jobs at once an [Account] takes a single subscription for all of
// them:
//
//	account, err := listener.Account(ctx)
//	...
//	signal := cloudconvert.WithJobSignal(account)
//	for result := range client.ConvertAll(ctx, items, signal) {
//
// Jobs that are created while the account is heard take one look each, at their
// end, if that comes soon; else further ones in pauses of up to half a minute,
// in case an event was lost.
//
// # The line
//
// All subscriptions of a client share one connection. It is made for the first
// one, kept alive, made again when it breaks, and given up some seconds after
// the last subscription was closed. Each time, all channels are joined again.
//
// The API key, or a fresh token, is sent to the socket with each subscription,
// and to nobody else.
//
// Tests have an event socket in the package cloudconverttest: give its
// EventsURL to [WithURL].
//
// There is one socket for all regions: that of a client made with
// [cloudconvert.WithRegion] is the same, and so are the events.
package events
