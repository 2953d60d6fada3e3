"""The forms of a report that need no drawing: each is made from `Figures` alone."""
