"""One file per instrument: its points, its units, its framing."""
