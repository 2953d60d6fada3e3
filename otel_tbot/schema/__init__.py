"""The schema registry: everything that may be sent, in one place.

`registry/` has the semantic-convention YAML, the only source. `scripts/generate.py` derives the constants in
`constants` and the documentation page from it, and `json_schema` the JSON Schema. `attribute` validates the values of
one row.
"""
