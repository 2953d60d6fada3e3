"""`otel-tbot run`: starts tbot as if nothing were in front of it, and sends the event in the background.

`run` decides and `execute` replaces this process with tbot. With consent, `start_sender` starts the sender first; as a
container's first process, or with `--supervise`, `supervise` stays as a minimal parent instead. All of this is for
Linux and macOS. On Windows a process cannot exec another: there, `without_fork` does everything.

Everything here runs before tbot: until the sender is detached, nothing is imported that the interpreter has not already
loaded. That is why some code here is unusual.
"""
