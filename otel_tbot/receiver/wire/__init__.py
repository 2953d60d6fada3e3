"""The messages and the service that tbot calls, generated from `tbot.proto` by the Makefile next to it."""
