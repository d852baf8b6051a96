"""What every vessel obeys, whatever grows in it: pure functions of scalars, one subject per file."""
