"""The simulated plant alone, and the same vessel as a general solver of differential equations would step it."""

import numpy as np

from simulators.biology.culture import Environment, Inflow
from simulators.biology.donors import patients, together
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import DONOR, TCell
from simulators.draws import Alone, Together
from simulators.numeric import filled
from simulators.physics import gas, thermal, transfer
from simulators.physics.ph import carbonate_shares, solve_ph
from simulators.tank import CELL_CULTURE
from simulators.vessel import Vessel

VESSELS = 500
LONG_S = 5.0
"""The step of many vessels; gas, pH and heat take no longer one."""
STEP_S = 1.0
ASKED = {"heater": 26.7, "agitation_sp": 60.0, "air_sp": 50.0, "co2_sp": 6.0}
SECONDS_PER_HOUR = 3600.0


def begun(vessel, volume):
    """Bring a vessel into the middle of its culture."""
    vessel.culture.set("vcd", filled(volume, 1.1))
    vessel.culture.set("culture_age_h", filled(volume, 40.0))
    vessel.settle()
    vessel.actuators.update({name: filled(volume, value) for name, value in ASKED.items()})
    return vessel


def one(seed="1", donor=DONOR):
    """A vessel in floats."""
    return begun(Vessel(CELL_CULTURE, Suspension(TCell(donor)), Alone(seed), 1.0, 37.0), 1.0)


def many(count):
    """As many in arrays, each with a donor of its own."""
    donors = together(patient.donor for patient in patients(1, count))
    draws, volume = Together([f"1:{number}" for number in range(count)]), np.full(count, 1.0)
    return begun(Vessel(CELL_CULTURE, Suspension(TCell(donors)), draws, volume, np.full(count, 37.0)), volume)


def side_by_side(count=VESSELS):
    """Many vessels in arrays against as many one by one; both for a long step."""
    together, singles = many(count), [one(f"1:{n}", member.donor) for n, member in enumerate(patients(1, count))]

    def one_by_one():
        for vessel in singles:
            vessel.step(LONG_S)

    return lambda: together.step(LONG_S), one_by_one


def alone(count=VESSELS):
    """Many vessels and nobody else."""
    vessel = many(count)
    return lambda: vessel.step(LONG_S), None


def against_solver():
    """One vessel with sensors, drives and noise against LSODA on its bare equations; both for a short step."""
    vessel, solver = one(), Solver(Bare())
    return lambda: vessel.step(STEP_S), solver.step


class Bare:
    """The equations of that vessel in an incubator's gas, without sensors, drives, lags, feeds and evaporation."""

    def __init__(self):
        vessel = one()
        self.tank, self.model = vessel.tank, TCell(DONOR)
        self.volume, self.still, self.ph = 1.0, Inflow(0.0, 0.0, 0.0), vessel.solution.ph
        air, carbon = ASKED["air_sp"], ASKED["co2_sp"]
        self.flow = air + carbon
        self.o2, self.co2 = gas.AIR_O2 * air / self.flow, (gas.AIR_CO2 * air + carbon) / self.flow
        stirring = transfer.stirred(ASKED["agitation_sp"], self.tank.reference_rpm)
        self.kla = transfer.kla(stirring, self.flow, self.volume, self.tank.kla_reference, self.tank.kla_surface)
        self.heater = 0.01 * self.tank.heater_w * ASKED["heater"]
        self.stirrer = self.tank.stirring_w * ASKED["agitation_sp"] / self.tank.reference_rpm
        solution = vessel.solution
        self.begin = [*vessel.culture.state, solution.oxygen, solution.carbon, solution.strong, 37.0, vessel.jacket]

    def slope(self, _hours, state):
        """Time derivatives per hour."""
        *cells, oxygen, carbon, strong, warm, jacket = (float(value) for value in state)
        self.ph = solve_ph(self.ph, strong, carbon, self.tank.buffers)
        here = Environment(warm, self.ph, oxygen, 100.0 * oxygen / gas.air_saturation(warm))
        cells = tuple(cells)
        exchange = self.model.exchange(cells, here)
        uptake = exchange.oxygen * oxygen / (exchange.half + oxygen)
        dry = 1.0 - gas.vapour_pressure(warm)
        dissolves, held = gas.oxygen_solubility(warm), gas.co2_solubility(warm)
        rate = gas.oxygen_rate(self.kla, self.flow, self.volume, dissolves)
        leaving = gas.co2_rate(self.kla, self.flow, self.volume, held)
        free, _ = carbonate_shares(self.ph)
        return [
            *self.model.slope(cells, here, self.still),
            rate * (dissolves * self.o2 * dry - oxygen) - uptake,
            leaving * (held * self.co2 * dry - free * carbon) + exchange.quotient * uptake,
            exchange.ions,
            *self._warming(warm, jacket, uptake),
        ]

    def _warming(self, warm, jacket, uptake):
        shell, inside = self.tank.shell, self.stirrer + thermal.metabolic_heat(uptake, self.volume)
        given = shell.exchange * (jacket - warm)
        culture = given - shell.culture_loss * (warm - shell.ambient) + inside
        wall = self.heater - given - shell.jacket_loss * (jacket - shell.ambient)
        return (
            SECONDS_PER_HOUR * culture / (thermal.WATER_J_PER_KG * self.volume),
            SECONDS_PER_HOUR * wall / shell.jacket,
        )


class Solver:
    """LSODA of scipy, begun anew at every step, as it must be where control may have changed something."""

    def __init__(self, bare):
        from scipy.integrate import ode

        self.solver = ode(bare.slope).set_integrator("lsoda", rtol=1e-6, atol=1e-9)
        self.state = bare.begin

    def step(self):
        """Live for a short step."""
        self.solver.set_initial_value(self.state, 0.0)
        self.state = self.solver.integrate(STEP_S / SECONDS_PER_HOUR)
