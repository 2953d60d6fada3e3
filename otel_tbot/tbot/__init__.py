"""What tbot would do: its command line, its configuration file, its version.

`start.read_start` combines the parts; the rest is one file for each part. Nothing is imported here, so that
`command_line` stays cheap for callers that only check whether the command is `start`.
"""
