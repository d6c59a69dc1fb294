"""The served kinds and their schemas: discovery, OpenAPI, structural schemas."""
