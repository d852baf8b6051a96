"""The report: one HTML file that needs nothing else, neither a network nor this program."""
