"""What is served, in which shape: discovery, OpenAPI, structural schemas."""
