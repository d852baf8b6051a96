"""What every vessel obeys, whatever grows in it: pure functions, one subject per file."""
