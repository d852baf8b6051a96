"""A site at 120 times real speed whose vessels can be given process faults, and what its supervisor shows."""

import json
import time

from tests.e2e.conftest import BENCH, Supervisor
from tests.simulators.test_wire_site import Site as Wires

SPEED = 120


class Site(Supervisor):
    """A supervisor with its simulators, whose control port is found as `biovisor fault` finds it."""

    def __init__(self, site, data):
        super().__init__("run", site, "--simulate", "--speed", SPEED, "--data", data)
        self.data = data

    @property
    def document(self):
        return json.loads((self.data / "simulators.json").read_text())

    control = Wires.control

    def state(self, vessel="BR-101"):
        return self.control(op="state", vessel=vessel)

    def set(self, vessel="BR-101", **state):
        assert self.control(op="set", vessel=vessel, state=state) == {"ok": True}

    def befall(self, fault, signal=None, vessel="BR-101", **more):
        answer = self.control(op="process_fault", vessel=vessel, fault=fault, signal=signal, **more)
        assert answer["ok"], answer
        return answer["number"]

    def clear(self, number="all"):
        return self.control(op="process_fault_clear", number=number)

    def value(self, tag, vessel="BR-101"):
        return self.tag(tag, vessel)["value"]

    def quality(self, tag, vessel="BR-101"):
        return self.tag(tag, vessel)["quality"]

    def interlock(self, name, vessel="BR-101"):
        return next(one for one in self.vessel(vessel)["interlocks"] if one["name"] == name)["tripped"]

    def alarms(self, vessel="BR-101"):
        return json.dumps(self.vessel(vessel)["alarms"])

    def by_hand(self, loop, output, vessel="BR-101"):
        """A loop in manual, at an output in its unit."""
        path = f"/api/v1/vessels/{vessel}/loops/{loop}"
        self.carried_out([self.http.put(f"{path}/mode", json={"mode": "manual", "reason": "test"})])
        unit = self.loop(loop, vessel)["op_unit"]
        body = {"value": output, "unit": unit, "reason": "test"}
        self.carried_out([self.http.put(f"{path}/output", json=body)])

    def all_off(self):
        """Every loop that is not."""
        body = {"mode": "off", "reason": "test"}
        on = [(vessel, loop["name"]) for vessel in ("BR-101", "BR-102") for loop in self.vessel(vessel)["loops"]
              if loop["mode"] != "off"]  # fmt: skip
        path = "/api/v1/vessels/{}/loops/{}/mode"
        self.carried_out([self.http.put(path.format(*one), json=body) for one in on])

    def events(self):
        return self.http.get("/api/v1/events", params={"limit": 500}).json()["events"]

    def watched(self, tag, seconds, vessel="BR-101"):
        """The values that differ in time, read every scan."""
        end, seen = time.monotonic() + seconds, []
        while time.monotonic() < end:
            seen.append(self.value(tag, vessel))
            time.sleep(0.1)
        return seen


def with_effect(site):
    """The site with a class whose heater must warm by 0.2 K within ten minutes, also when it is off, and whose pH and
    dissolved oxygen must not stand still.
    """
    shipped = BENCH.parent.parent / "classes/stirred-tank-2l.yaml"
    effect = "    effect: {within: 20 min, least: 0.3 Cel, at: high}\n"
    text = shipped.read_text()
    assert text.count(effect) == 1
    changed = site.parent / shipped.name
    text = text.replace(effect, "    effect: {within: 10 min, least: 0.2 K}\n")
    for unit, frozen in {'"[pH]"': "{after: 10 min, quality: bad}", '"%"': "{after: 10 min}"}.items():
        source = f"%-sat}}\n    unit: {unit}\n" if unit == '"%"' else f"pH}}\n    unit: {unit}\n"
        assert text.count(source) == 1
        text = text.replace(source, f"{source}    frozen: {frozen}\n")
    changed.write_text(text)
    site.write_text(site.read_text().replace(str(shipped), changed.name))
    return site
