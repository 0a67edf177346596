package main

// manual is what -h prints.
const manual = `sandbox - a local CloudConvert, for programs in any language

usage: sandbox [flags]

  sandbox serves the API, the host that responds when a job has ended, the
  storage, signed URLs, OAuth and the event socket on ports of this machine. It
  needs no account and no network. It runs until it is interrupted, and then
  removes all files.

  Every documented operation finishes. The sandbox converts images and archives
  and edits PDFs itself, and does more with the programs that are installed:
  LibreOffice, ffmpeg, ImageMagick, poppler, Chromium, OCRmyPDF, Ghostscript,
  ExifTool and 7-Zip. The result of any other task is a stand-in: a small file
  of the right type that says that the sandbox has made it. The engine of such
  a task is named stand-in. Conversions to formats without a stand-in fail, and
  so do those that the service does not have, such as txt to mp3. The catalog at
  /v2/operations lists what works.

  Pages of any origin may use it from a browser.

EXAMPLES
  Start the sandbox in a script, and a program with its variables:

      rm -f sandbox.env
      sandbox -env-file sandbox.env &
      until [ -f sandbox.env ]; do kill -0 $! || exit; sleep 0.1; done
      set -a; . ./sandbox.env; set +a
      python convert.py
      kill $!

  Use known ports and a known key, on all interfaces:

      sandbox -addr :8080 -sync-addr :8081 -events-addr :8082 -key local

  Who reaches such a port can use the engines, too, so choose another key.

  Find out how a program copes with lost responses, and with a rate limit:

      sandbox -fault lost=0.1 -fault reset=0.05 -rate-limit 10/1m

WHERE IT LISTENS
  -addr ADDRESS         the API, the storage, signed URLs and OAuth
                        (127.0.0.1:0). Port 0 is a free one
  -sync-addr ADDRESS    the host that responds when a job has ended
                        (127.0.0.1:0)
  -events-addr ADDRESS  the event socket (127.0.0.1:0)
  -public-url URL       where clients reach -addr, if elsewhere, as in a
                        container: http://sandbox:8080. The URLs in responses
                        begin with it
  -health               start nothing: exit with 0 if a program listens on
                        -addr, and with 1 if not
  -env-file FILE        write the variables to this file as soon as the sandbox
                        is ready. It is removed at the end

ACCOUNT AND KEYS
  -key KEY              the API key, which has all scopes (a random one)
  -scoped-key KEY=SCOPES
                        another key of the account with some scopes, such as
                        reader=task.read,user.read; may be repeated. The scopes
                        are user.read, user.write, task.read, task.write,
                        webhook.read and webhook.write
  -any-key              accept every key that does not start with invalid
  -oauth-client ID:SECRET
                        the OAuth client (a random one). It may use any redirect
                        URL, and the user agrees at once
  -credits N            the credits of the account (as many as it takes)
  -parallel N           refuse a job while N others have not ended (no limit)
  -rate-limit N/TIME    refuse more creations of jobs and tasks than N in this
                        time, such as 10/1m (no limit)
  -whitelist MD5,...    do as the hosted sandbox does: take only files with one
                        of these MD5 sums, and no credits

BEHAVIOR
  -task-duration TIME   how long each task takes at least (200ms), so that a
                        program can create a job and then subscribe to its
                        events: as in the service, the events of a job that has
                        ended are lost. 0 for no delay
  -upload-settle TIME   how long an upload task still waits after its file was
                        uploaded (0s). In the service that is some seconds
  -urls URL=FILE        import this file in place of the URL; may be repeated
  -objects DIRECTORY    read and write the objects of cloud storages here. Each
                        folder in it is a bucket, a container or a host. By
                        default, exported objects are kept for 24 hours, and an
                        object that does not exist is a stand-in
  -network              let imports, captures and webhooks reach any host. By
                        default they reach only this machine

ENGINES
  -strict               fail the tasks that no engine can do, with
                        INVALID_CONVERSION_TYPE, in place of making a stand-in
  -unconfined           let tasks with the operation command run ffmpeg,
                        ImageMagick and GraphicsMagick also where bubblewrap
                        cannot confine them. By default these tasks are then
                        stand-ins

  Where bubblewrap (bwrap) is installed and works, programs run confined:
  without a network, and with access to programs, libraries, fonts and the
  files of their task only. Chromium has a separate sandbox. Elsewhere
  programs run as the user of the sandbox. Then a task with the operation
  command, by its arguments or its files, can make them read and write any
  file of this user and use the network, and a document can show local images.
  So give the key of such a sandbox only to people and programs that may do
  that.

FAULTS
  -fault KIND=SHARE     break this share of the requests, such as reset=0.05;
                        may be repeated. The kinds are
                          error      responds with 503 and does nothing
                          reset      breaks the connection and does nothing
                          lost       does what it should, without a response
                          truncated  ends the response in the middle
                          slow       sends the response after 2 seconds
  -seed N               decides which requests break (a random one)

OUTPUT
  Standard output has the variables as commands of a shell:

  CLOUDCONVERT_API_KEY              the key
  CLOUDCONVERT_API_URL              the API, with /v2
  CLOUDCONVERT_SYNC_URL             the host that responds at the end of a job
  CLOUDCONVERT_EVENTS_URL           the event socket
  CLOUDCONVERT_SIGNED_URL_BASE      the base of signed URLs
  CLOUDCONVERT_SIGNED_URL_SECRET    and their secret
  CLOUDCONVERT_OAUTH_CLIENT_ID      the OAuth client
  CLOUDCONVERT_OAUTH_CLIENT_SECRET  and its secret
  CLOUDCONVERT_OAUTH_AUTHORIZE_URL  where users agree
  CLOUDCONVERT_OAUTH_TOKEN_URL      where codes become access tokens

  Standard error has the engines with what each one does, and then a line for
  each request and for each task and job that has ended. Keys and signatures
  are not in it.

EXIT STATUS
  0  the sandbox was interrupted
  1  it could not start, for example because a port is in use
  2  the command line is wrong
`
