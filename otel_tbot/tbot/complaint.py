"""How every complaint about tbot's command line or configuration reads: where, what, and what to do, in one line.

A caller passes flag names, key names that tbot knows and line numbers. Never a value: tokens stand in these places.
"""


def complaint(what: str, remedy: str, *, source: str, line: int | None = None, key: str = "") -> str:
    """Put a complaint together.

    Args:
        what: what is wrong.
        remedy: what the user can do about it.
        source: the file, flag, variable or part of the command line that is wrong.
        line: the line in it, from 1.
        key: the key on that line.
    """
    where = [source, "" if line is None else f"line {line}", key]
    return f"{', '.join(part for part in where if part)}: {what}; {remedy}"
