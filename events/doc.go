// Package events receives events of jobs and tasks over the event socket of
// CloudConvert.
//
// It is experimental: the service hardly documents its socket, and this package was
// not tested with the service. It may change in any version.
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
//		if strings.HasPrefix(task.Name, "export-") && task.Status.Terminal() {
//			break // the last task of the job, as Client.Run names it
//		}
//	}
//
// The loop does not end with the job. It ends with a break, with the context, whose
// error it yields, or when the subscription or the listener is closed. Events may be
// lost, so use a context that ends.
//
// # Events are hints
//
// The API has the state of jobs and tasks; an event is a reason to ask for it. Events
// are lost while the client is not connected, and the service does not send them later.
// It authorizes each subscription, which takes a moment, and does not acknowledge it:
// events until then are lost too. The service may refuse a subscription without an
// error, and may send the end of a task more than once.
//
// So if you need the state of a job, ask for it after [Client.Subscribe], a second time
// some seconds later, and at each [Resync]. [cloudconvert.JobsService.Wait] does so
// when it is given the listener:
//
//	job, err := client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(listener))
//
// For many jobs, an [Account] takes a single subscription:
//
//	account, err := listener.Account(ctx)
//	...
//	for result := range client.RunAll(ctx, works, cloudconvert.WithSignal(account)) {
//
// A short job then takes one request for its state, at its end. A longer one takes more,
// with pauses of up to half a minute, in case an event was lost.
//
// # The connection
//
// All subscriptions of a client share one connection. The first subscription makes it.
// When it breaks, the client reconnects and joins all channels. It is closed some
// seconds after the last subscription.
//
// The API key, or a fresh token, is sent with each subscription. It goes only to the
// socket.
//
// For tests there is an event socket in the package cloudconverttest: pass its EventsURL
// to [WithURL].
//
// There is one socket for all regions: a client made with [cloudconvert.WithRegion]
// uses the same one, and gets the same events.
package events
