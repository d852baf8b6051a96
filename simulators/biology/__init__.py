"""What grows in the vessels: one model per file, all behind :class:`simulators.biology.culture.Culture`."""
