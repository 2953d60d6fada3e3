"""The formats of a report that need no drawing, each made from `Figures` alone."""
