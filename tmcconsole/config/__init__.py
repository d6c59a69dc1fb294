"""Settings: TOML, environment and flags, as frozen data."""
