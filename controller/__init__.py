"""The supervisor: configuration, the scan, recipes, the record, the HTTP door and the operator page."""
