"""Drivers: what turns an instrument's own addresses into samples.

Imports nothing of the supervisor or the simulators.
"""
