"""The small languages of the config: paths, pointers, selectors, templates."""
