"""What a front end may order or ask, each command carried out here."""
