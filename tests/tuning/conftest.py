"""The processes that rules are judged by, and an experiment run on one of them."""

from functools import cache

import numpy as np

from controller.stages.experiment import Guards
from controller.stages.relay import Relay
from controller.tuning.fit import Samples
from controller.tuning.plants import Plants
from controller.tuning.process import Process

PROCESSES = {
    "e^-s/(0.1s+1)": Process(1.0, (0.1,), 1.0),
    "e^-s/(s+1)": Process(1.0, (1.0,), 1.0),
    "e^-s/(10s+1)": Process(1.0, (10.0,), 1.0),
    "e^-s/(100s+1)": Process(1.0, (100.0,), 1.0),
    "e^-s/(s+1)^2": Process(1.0, (1.0, 1.0), 1.0),
    "e^-s/(10s+1)^2": Process(1.0, (10.0, 10.0), 1.0),
    "1/(s+1)^3": Process(1.0, (1.0,) * 3),
    "1/(s+1)^4": Process(1.0, (1.0,) * 4),
    "1/(s+1)^8": Process(1.0, (1.0,) * 8),
    "1/Π(0.2^i s+1)": Process(1.0, (1.0, 0.2, 0.04, 0.008)),
    "1/Π(0.5^i s+1)": Process(1.0, (1.0, 0.5, 0.25, 0.125)),
    "(1-0.5s)/(s+1)^3": Process(1.0, (1.0,) * 3, leads=(-0.5,)),
    "e^-s/s": Process(1.0, delay=1.0, integrating=True),
    "e^-0.5s/(s(0.5s+1))": Process(1.0, (0.5,), 0.5, integrating=True),
}
"""The 14 processes of the tables; their times are minutes in the experiments."""
SCAN = 1.0 / 60.0
"""A second, in the processes' minutes."""
WIDE = Guards(-50.0, 50.0, -50.0, 50.0, longest_s=1e9)


def run(process, experiment, dt=SCAN, noise=0.0, seed=0, load=0.0, scans=200_000):
    """Step the experiment on the process, at rest at 0, until it ends. ``noise`` is a standard deviation."""
    rng = np.random.default_rng(seed)
    plant, u, y = Plants([process], np.array([dt])), 0.0, 0.0
    for _ in range(scans):
        u = experiment.step(y + noise * float(rng.standard_normal()), u, dt)
        if experiment.stage.over:
            break
        y = float(plant.step(np.array([u + load]))[0])
    return experiment


def samples(experiment, dt=SCAN):
    """What a model is fitted to."""
    record = experiment.record
    return Samples(record.time, record.pv - experiment.reference, record.op - experiment.base, dt)


@cache
def tuned_relay(name, noise, asymmetry=1.5, seed=1):
    """The relay experiment on a process, as it is shipped but for its amplitudes: 10 % up."""
    return run(PROCESSES[name], Relay(0.0, 1.0, WIDE, 10.0, asymmetry), noise=noise, seed=seed)
