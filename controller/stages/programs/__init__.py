"""Setpoint programs: what leads a loop in mode remote from inside the scan, and what every feed keeps account of."""

from controller.stages.programs.orders import ProgramOrders
from controller.stages.programs.programs import Programs

__all__ = ["ProgramOrders", "Programs"]
