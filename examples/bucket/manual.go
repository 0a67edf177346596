package main

// manual is what -h prints.
const manual = `bucket - convert what a bucket lacks, with CloudConvert

usage: bucket [flags] -to FORMAT -service-profile PROFILE SOURCE DESTINATION

SOURCE and DESTINATION have the form s3://BUCKET or s3://BUCKET/FOLDER. They must
not overlap. Each object below SOURCE is converted to FORMAT and stored below
DESTINATION under the same name with the format appended:

    bucket -to pdf -service-profile cloudconvert s3://documents/in s3://documents/out

converts s3://documents/in/2026/a.docx to s3://documents/out/2026/a.docx.pdf, if
there is no such object yet. CloudConvert reads and writes the objects itself.

These are skipped and counted: folder markers, empty objects, objects in the
FORMAT, objects whose extension CloudConvert cannot convert to it, and keys with
%d, which CloudConvert would replace by a number.

The same command continues where the last run ended. A job that an interrupted run
has created is waited for, within 24 hours. Run the command once at a time for
one DESTINATION.

FLAGS
  -to FORMAT                 convert to this format, such as pdf
  -service-profile PROFILE   the AWS profile whose credentials CloudConvert gets.
                             It needs s3:GetObject below SOURCE and s3:PutObject
                             below DESTINATION, and nothing else
  -newer                     also convert objects that are newer than their
                             results; otherwise they are counted
  -dry-run                   print what would be converted, and convert nothing
  -budget CREDITS            begin no more conversions when this run has cost
                             that much; those that run then may exceed it
  -concurrency N             convert up to N objects at a time (8)
  -from-region REGION        the region of the SOURCE bucket, and
  -to-region REGION          that of the DESTINATION bucket, unless it is the
                             region of the AWS configuration
  -fresh                     begin at once. Without it, the first conversions
                             wait half a minute for jobs of a run that was just
                             killed
  -h                         show this manual

OUTPUT
  Standard output has a line for each converted object. Failures and a summary go
  to standard error. Ctrl-C ends the command within a second or two.

EXIT STATUS
  0  the destination lacks nothing that can be converted
  1  something failed, was interrupted or was not begun
  2  the command line is wrong

ENVIRONMENT
  CLOUDCONVERT_API_KEY   the API key, with the scopes task.read and task.write,
                         and user.read to be notified of ended jobs
  AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 and so on
                         The objects are listed with the usual AWS configuration,
                         which needs s3:ListBucket on both buckets. The endpoint,
                         for storage that is compatible with S3, is also that of
                         the jobs
`
