"""The schema registry: what may leave, in one place.

`registry/` holds the semantic-convention YAML, the one source. `generate` derives the rest from it: the constants in
`table`, the documentation page and the JSON Schema. `attribute` validates the values of one row.
"""
