"""The scene of the page's tests: one vessel that expands cells, one that waits to be inoculated."""

from controller.api.gateway import FormulaInfo

SPEED = 60.0
RPM = "{rev}/min"
NAN = float("nan")
VESSELS = {"BR-101": "Bioreactor 101", "BR-102": "Bioreactor 102"}
CONNECTIONS = [f"{kind}-{n}" for n in (101, 102) for kind in ("plc", "probes", "base-pump", "feed-pump")] + ["counter"]


def both(one, other):
    return {"BR-101": one, "BR-102": other}


# name, title, unit, decimals, start value of each vessel
TAGS = [
    ("temperature", "Temperature", "Cel", 2, both(36.9, 36.8)),
    ("jacket_temperature", "Jacket temperature", "Cel", 1, both(38.4, 38.9)),
    ("ph", "pH", "[pH]", 2, both(7.19, 7.24)),
    ("do", "Dissolved oxygen", "%", 1, both(49.0, 58.0)),
    ("agitation_rate", "Agitation, measured", "{rev}/min", 0, both(92, 60)),
    ("air_flow_measured", "Air flow", "mL/min", 1, both(50, 50)),
    ("o2_flow_measured", "Oxygen flow", "mL/min", 1, both(12, 0)),
    ("co2_flow_measured", "Carbon dioxide flow", "mL/min", 1, both(3.2, 18)),
    ("n2_flow_measured", "Nitrogen flow", "mL/min", 1, both(0, 0)),
    ("weight", "Net weight", "g", 0, both(1188, 1012)),
    ("pressure", "Head pressure", "mbar", 0, both(4, 3)),
    ("base_total", "Base, delivered", "mL", 2, both(6.42, 0.35)),
    ("feed_total", "Feed, delivered", "mL", 2, both(118.4, 0.0)),
    ("viable_density", "Viable cell density", "10*6/mL", 2, both(1.24, NAN)),
    ("viability", "Viability", "%", 1, both(96.3, NAN)),
    ("sample_number", "Last counted sample", "1", 0, both(3, NAN)),
    ("volume", "Culture volume", "L", 3, both(1.178, 1.004)),
]


def loop(name, title, pv, unit, decimals, sp, low, high, confirm, op, op_range, op_unit, wave):
    modes = ["off", "manual", "auto"] + (["cascade"] if name == "agitation" else []) + ["out_of_service"]
    return {
        "name": name, "title": title, "pv": pv, "unit": unit, "decimals": decimals, "sp": sp, "low": low, "high": high,
        "confirm_step": confirm, "op": op, "op_low": op_range[0], "op_high": op_range[1], "op_unit": op_unit,
        "wave": wave, "modes": modes,
    }  # fmt: skip


LOOPS = [
    loop("temperature", "Temperature", "temperature", "Cel", 2, both(37.0, 37.0), 4, 40, 5, 23.0, (0, 100), "%", 0.06),
    loop("ph", "pH", "ph", "[pH]", 2, both(7.2, 7.2), 6, 8, 0.5, -12.0, (-100, 100), "%", 0.02),
    loop("do", "Dissolved oxygen", "do", "%", 1, both(50, 50), 0, 150, 30, 41.0, (0, 100), "%", 1.2),
    loop("agitation", "Agitation", "agitation_rate", RPM, 0, both(92, 60), 0, 200, 100, 92, (0, 300), RPM, 0.4),
    loop("air", "Air", "air_flow_measured", "mL/min", 1, both(50, 50), 0, 500, 200, 50, (0, 500), "mL/min", 0.3),
    loop("feed", "Feed", None, "mL/h", 1, both(5.8, 0.0), 0, 300, 50, 5.8, (0, 300), "mL/h", 0.0),
]  # fmt: skip

INTERLOCKS = [
    ("over_temperature", "Culture too warm", "temperature 36.98 > 38.50 Cel"),
    ("overfill", "Vessel full", "volume 1.18 > 2.00 L"),
    ("over_pressure", "Exhaust blocked", "pressure 4 > 200 mbar"),
]
ALLOWED = {
    "Idle": ["start"], "Running": ["hold", "pause", "stop", "abort"], "Held": ["restart", "stop", "abort"],
    "Paused": ["resume", "hold", "stop", "abort"], "Stopped": ["reset"], "Aborted": ["reset"], "Complete": [],
}  # fmt: skip
NEXT = {
    "start": "Running", "hold": "Held", "restart": "Running", "pause": "Paused", "resume": "Running", "stop": "Stopped",
    "abort": "Aborted", "reset": "Complete",
}  # fmt: skip
OPERATIONS = [
    ("fill", "Fill with medium"), ("equilibrate", "Warm up and equilibrate"), ("inoculate", "Inoculate"),
    ("expand", "Expand the cells"), ("cool_down", "Cool down"), ("harvest", "Harvest"),
]  # fmt: skip


def operations(active):
    names = [name for name, _ in OPERATIONS]
    place = names.index(active)
    word = {-1: "done", 0: "active", 1: "pending"}
    return [{"name": n, "title": t, "state": word[(i > place) - (i < place)]} for i, (n, t) in enumerate(OPERATIONS)]


def formula():
    return {
        "culture_temperature": FormulaInfo("Culture temperature", "Cel", 37.0, 30.0, 39.0),
        "target_density": FormulaInfo("Harvest at", "10*6/mL", 4.0, 0.5, 20.0),
        "longest_expansion": FormulaInfo("Harvest at the latest after", "d", 10.0, 0.05, 14.0),
    }


INOCULATE = {
    "id": "inoculate-1", "text": "Inoculate with the patient's cells, then enter what was added.",
    "inputs": [
        {"name": "inoculum_volume", "title": "Volume added", "unit": "mL", "low": 1.0, "high": 200.0, "default": 50.0}
    ],
}  # fmt: skip


def batch_of(vessel):
    """The batch that a vessel begins with, and its prompts."""
    expanding = vessel == "BR-101"
    waiting = [
        {"when": "viable_density >= target_density", "truth": "false", "live": "viable_density 1.24 >= 4.00 10*6/mL",
         "then": "cool_down", "because": "The cells reached their target."},
        {"when": "elapsed > longest_expansion", "truth": "false", "live": "elapsed 1.08 > 10.00 d",
         "then": "cool_down", "because": "The longest expansion time has passed."},
    ]  # fmt: skip
    active = "expand" if expanding else "inoculate"
    batch = {
        "id": f"{vessel}-20261123-1", "recipe": "car-t-expansion", "title": "CAR-T expansion with feed by count",
        "version": "1.0.0", "vessel": vessel, "state": "Running", "mode": "automatic", "operation": active,
        "operation_title": dict(OPERATIONS)[active], "operations": operations(active),
        "elapsed_s": 104_400.0 if expanding else 7_100.0, "operation_elapsed_s": 93_600.0 if expanding else 640.0,
        "waiting_for": waiting if expanding else [], "held_reason": "", "deviations": [],
        "formula": {n: {"title": f.title, "value": f.value, "unit": f.unit} for n, f in formula().items()},
    }  # fmt: skip
    return batch, [] if expanding else [INOCULATE]
