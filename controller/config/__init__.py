"""Configuration: YAML files with positions, strict models, and everything that is wrong at once."""
