"""The schema registry: what may leave, in one place.

`registry/` holds the semantic-convention YAML, the one source. `scripts/generate.py` derives the constants in
`constants` and the documentation page from it, and `json_schema` the JSON Schema. `attribute` validates the values of
one row.
"""
