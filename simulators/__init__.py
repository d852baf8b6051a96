"""Simulated instruments on real wires, and the plant behind them. Imports nothing of ours."""
