package main

// manual is what -h prints.
const manual = `queue - convert files with CloudConvert, by any number of processes

usage: queue [-queue FILE] add [-to FORMAT] [-o DIRECTORY] FILE...
       queue [-queue FILE] work [flags]
       queue [-queue FILE] status

  add puts files into the queue. work converts them until it is interrupted.
  Start work as often as you like, before or after add, in several processes:

      queue add -to pdf *.docx
      queue work

  The queue is a file of SQLite. With DATABASE_URL it is a database of
  PostgreSQL, and the processes may run on several machines that see the same
  files under the same paths.

  Each file is converted, and charged, once. A process that is killed leaves
  its files to the others, which continue the jobs that it has created.

FLAGS OF ALL COMMANDS
  -queue FILE       the file of the queue (queue.db). It must be on a local
                    disk. Not with DATABASE_URL
  -h                show this manual

FLAGS OF ADD
  -to FORMAT        convert to this format (pdf)
  -o DIRECTORY      write the results there. By default they are written beside
                    the files. Missing directories are created

FLAGS OF WORK
  -concurrency N    upload, download or wait for at most N files concurrently
                    (8). Long conversions run without a place among the N
  -timeout TIME     how long an attempt to upload or download a file may take
                    (5m, at least 1m). The files of a killed process are continued after
                    this time and about a minute. Use the same for all processes
  -webhook URL      be woken by webhooks at this URL, instead of the event
                    socket. End it with a secret: https://example.com/3A9C...
  -listen ADDRESS   where webhooks arrive (127.0.0.1:8080)

OUTPUT
  Standard output of work has the path of each file written, one on a line.
  Everything else goes to standard error. Results are written whole or not at
  all, and replace nothing.

  Ctrl-C ends work within two seconds. Other processes continue its files at
  once.

  A file that cannot be converted is not tried again: status lists it for a
  week. A failure that may pass, of the network for example, is retried after
  1 second, 16 seconds, 81 seconds and so on, for three weeks. If the account
  has no credits or its key is refused, work ends and the files stay queued.

EXIT STATUS
  0  success; for work: it was interrupted
  1  something failed, or a file could not be added
  2  the command line is wrong

ENVIRONMENT
  CLOUDCONVERT_API_KEY     the API key of work, with the scopes task.read and
                           task.write, and user.read for the event socket:
                           https://cloudconvert.com/dashboard/api/v2/keys
  CLOUDCONVERT_SANDBOX     true uses the hosted sandbox
  CLOUDCONVERT_REGION      eu-central or us-east
  CLOUDCONVERT_API_URL, CLOUDCONVERT_SYNC_URL, CLOUDCONVERT_EVENTS_URL
                           another service, such as a local sandbox, whose flag
                           -env-file writes all of these
  DATABASE_URL             the PostgreSQL database of the queue, such as
                           postgres://user@host/database
`
