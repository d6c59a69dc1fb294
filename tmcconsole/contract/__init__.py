"""What crosses the seam between the engine and its front ends: frozen data, no I/O."""
