"""What goes wrong with a vessel itself (probes, drives, gases, culture, power), apart from the faults of its wires."""
