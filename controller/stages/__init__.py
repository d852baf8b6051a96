"""The pure stages of the scan: arrays and state in, arrays and state out; no clock, no I/O, no logging."""
