"""The version of this package: read by the build, sent as the version of the scope."""

__version__ = "0.1.0"
