"""What can go wrong, as exceptions: each message says what, where and what to do, in one line."""


class OtelTbotError(Exception):
    """The base of every error that this package raises."""


class InvalidEventError(OtelTbotError, ValueError):
    """A value that no start event may have: an unknown run mode, or a counter that is no number or negative."""


class SettingsError(OtelTbotError, ValueError):
    """An `OTEL_*` variable, a keyword or an option that cannot be used as it is."""


class TbotConfigError(OtelTbotError, ValueError):
    """What is wrong with tbot's command line or configuration. Never holds a value from either."""
