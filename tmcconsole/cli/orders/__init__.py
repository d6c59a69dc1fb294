"""Commands that ask a running engine over its socket."""
