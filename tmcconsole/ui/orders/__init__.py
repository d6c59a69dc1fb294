"""The user's commands: ask what must be asked, send, report the reply."""
