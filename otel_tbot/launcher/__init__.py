"""`otel-tbot run`: tbot starts as if nothing stood before it, and the event is sent beside it.

`run` decides, `execute` turns this process into tbot. With consent, `detach` first puts a sender beside it; as process
1 of a container, or with `--supervise`, `supervise` stays as a minimal parent instead. All of this is for Linux and
macOS. On Windows no process can turn into another, so `run` refuses there, and `otel-tbot emit` is what remains.

Everything here comes before tbot: nothing is imported but what the interpreter has loaded anyway, until the sender is
on its own. That is why some things are written here as they are written nowhere else.
"""
