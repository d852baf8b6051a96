"""The site as tables: what the scan works on, made once from the configuration."""
