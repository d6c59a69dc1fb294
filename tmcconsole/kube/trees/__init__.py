"""JSON trees of objects: patches, differences, field ownership, schemas."""
