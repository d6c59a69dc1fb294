"""What a person can order: ask what must be asked, send, say what came back."""
