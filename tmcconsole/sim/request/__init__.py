"""One request, read: path, options and body."""
