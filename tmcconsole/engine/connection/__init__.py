"""One API server as the engine reaches it: connect, probe, rights, kinds, informers."""
