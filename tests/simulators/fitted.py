"""A warm vessel with what is fitted to it, held by hand."""

from simulators.bus import FITTINGS
from simulators.plant import Plant

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0}
HOLD = {"heater": 26.7, "agitation_sp": 60.0, "air_sp": 50.0, "co2_sp": 6.0}
ALL = [*FITTINGS]


def plant(fitted=ALL, *, state=WARM, **actuators):
    made = Plant({"V": {**state, "fitted": list(fitted)}}, 1)
    made.actuators["V"].update({**HOLD, **actuators})
    return made


def run(made, hours, dt=2.0):
    for _ in range(round(hours * 3600 / dt)):
        made.step(dt)
    return made.truth("V")
