package main

// manual is what -h prints.
const manual = `convert - convert files with CloudConvert

usage: convert [flags] SOURCE DESTINATION
       convert [flags] -to FORMAT SOURCE...

ONE FILE
  The extensions of SOURCE and DESTINATION are the formats. SOURCE may also be a
  URL, which the service fetches.

      convert report.docx report.pdf
      convert -option quality=70 photo.png photo.jpg

  - stands for standard input or standard output. It has no extension, so that
  -from and -to name the formats:

      convert -from html -to pdf - - <page.html >page.pdf
      convert -to jpg photo.png - | display

MANY FILES
  With -to, every SOURCE is converted to that format. It is a file, a URL, a
  quoted pattern such as '*.png', or a directory with everything below it. The
  results are beside the sources or, with -o, in a separate directory, in
  which the tree below each SOURCE is repeated.

      convert -to jpg *.png
      convert -to pdf -o out -resume journal docs

  In a directory, these are skipped and listed at the end: hidden files, files
  whose extension shows no format, files that have the format already, symbolic
  links that leave the tree, and directories that cannot be read.

FLAGS
  -to FORMAT          convert to this format, such as pdf
  -from FORMAT        take the sources to have this format, whatever their names
  -o DIRECTORY        write the results there; missing directories are made
  -resume JOURNAL     record in this file what is done. The same command with
                      the same journal goes on where it ended, and pays for
                      nothing twice
  -n N                convert up to N files at a time (8)
  -budget CREDITS     begin no more files when this run has cost that much;
                      files that are being converted then may exceed it
  -overwrite          replace files that exist; otherwise they are left alone
  -delete             delete the files from the service as soon as they are
                      written, instead of after 24 hours
  -option NAME=VALUE  set a parameter of the conversion; may be repeated. The
                      pages of a format on cloudconvert.com list them
  -region REGION      process in eu-central or us-east
  -sandbox            use the hosted sandbox, which has separate API keys
  -h                  show this manual

OUTPUT
  Standard output has the path of each file written, one on a line. Failures,
  progress and a summary go to standard error.

  Ctrl-C ends the command within a second. Files are written whole or not at
  all.

EXIT STATUS
  0  everything was converted
  1  something failed, was interrupted or was not begun
  2  the command line is wrong

ENVIRONMENT
  CLOUDCONVERT_API_KEY  the API key, with the scopes task.read and task.write:
                        https://cloudconvert.com/dashboard/api/v2/keys
                        Without one, a sandbox in this process converts images
                        and archives, for nothing.
`
