"""Guided calibration of one instrument on its wire, without a supervisor."""
