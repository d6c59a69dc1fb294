"""The Textual console. It knows records and commands, never Kubernetes."""
