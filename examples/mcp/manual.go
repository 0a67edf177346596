package main

// manual is what -h prints.
const manual = `mcp - a server of the Model Context Protocol that converts local files with CloudConvert

usage: mcp [-budget CREDITS] [DIRECTORY...]

An agent's program starts it and speaks to it over standard input and output:

    {"mcpServers": {"cloudconvert": {
        "command": "/usr/local/bin/cloudconvert-mcp",
        "args": ["-budget", "20", "/home/me/documents"],
        "env": {"CLOUDCONVERT_API_KEY": "the key"}}}}

  -budget CREDITS   begin no job when those of the session have cost that many (20)
  DIRECTORY...      what agents may read and write, if their program names no roots
  -h                show this manual

TOOLS
  convert_file      convert a file or a URL to a file
  run_pipeline      run a job of any tasks, as the Job Builder of CloudConvert writes it
  save_job          write the files of a job that could not be written before
  list_formats      list formats, operations and options
  get_account       the credits of the account and of the budget

FILES
  Calls read and write only below the roots that the client names. Roots are asked for
  at each call, so that a change applies to the next one. A client without roots gets the
  directories of the command line. Without either, calls are refused.

  No file is replaced: an output that exists is an error. Symbolic links that lead out of
  a root are refused. Missing directories are created when there are files to write.
  Sources may also be URLs, which CloudConvert fetches. Results are not exported to other
  places.

CREDITS
  What jobs have cost is counted from the jobs. A running job counts as one credit for
  each conversion in it, and may cost more: then it exceeds the budget. A job that was not
  seen to end, because its call was cancelled or a file could not be sent, counts the same.

  A call that is cancelled deletes its job. Finished jobs stay at the service for 24 hours.

ENVIRONMENT
  CLOUDCONVERT_API_KEY   the API key, with the scopes task.read and task.write, and
                         user.read for get_account:
                         https://cloudconvert.com/dashboard/api/v2/keys
  CLOUDCONVERT_SANDBOX   true uses the hosted sandbox
  CLOUDCONVERT_REGION    eu-central or us-east
  CLOUDCONVERT_API_URL, CLOUDCONVERT_SYNC_URL
                         another service, such as a local sandbox
  TMPDIR                 where results are kept before they are written
`
