"""What tbot would do: its command line, its configuration file, its version.

`start.read_start` puts the parts together; the rest is one file for each part. Nothing is imported here, so that
`command_line` stays cheap for those who only ask whether the command is `start`.
"""
