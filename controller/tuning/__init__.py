"""Tuning of controllers: process models, margins, rules, closed loops, and models from experiments.

Pure functions of arrays: no clock, no I/O. Times are in seconds and angles in radians unless said otherwise.
"""
