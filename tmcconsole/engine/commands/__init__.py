"""What a front end may order or ask, one module per topic."""
