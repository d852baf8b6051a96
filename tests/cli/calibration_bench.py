"""A site with probes, a pump and a balance that are simulators, and an operator who answers questions."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

from controller.cli.main import main
from drivers import registry
from drivers.contract import ConnectionSpec, Point

ROOT = Path(__file__).parents[2]
VESSEL = "BR-101"
DONE = {"accept": "yes", "who": "Ann Lee", "reason": "before batch 7"}
"""The answers with which every calibration ends."""
QUESTION = re.compile(r"\[([a-z0-9-]+)(?:, Enter: [^\]]*)?\] $")
INSTRUMENTS = {
    "plc-101": {"kind": "generic_plc", "vessel": VESSEL},
    "probes-101": {"kind": "hamilton_arc", "vessel": VESSEL, "units": {"1": "ph", "2": "do"}},
    "feed-pump-101": {"kind": "watson_marlow", "vessel": VESSEL, "pump": "feed", "number": 1},
    "scale": {"kind": "mettler_toledo", "vessel": VESSEL, "signals": {"weight": "feed_ml"}},
}
"""What is in the pan is what the pump gave, in g."""


SITE = """site: bench
version: 1.0.0
title: Bench
connections:
  plc-101: {driver: generic_plc, url: "opc.tcp://127.0.0.1:4840", simulation: {vessel: BR-101}}
  probes-101: {driver: hamilton_arc, url: "serial:///dev/probes"}
  base-pump-101: {driver: watson_marlow, url: "serial:///dev/base"}
  feed-pump-101: {driver: watson_marlow, url: "serial:///dev/feed"}
  counter: {driver: vicell_blu, url: "opc.tcp://127.0.0.1:62641", options: {user: biovisor, password_env: PASSWORD}}
  scale: {driver: mettler_toledo, url: "serial:///dev/scale"}
vessels:
  BR-101:
    title: Bioreactor 101
    class: ../classes/stirred-tank-2l.yaml
    instruments:
      {plc: plc-101, probes: probes-101, base_pump: base-pump-101, feed_pump: feed-pump-101, counter: counter}
    calibration:
      base_flow: {factor: "0.025 mL/{rev}", date: 2026-11-02}
      feed_flow: {factor: "FEED mL/{rev}", date: 2026-11-02}
"""


def write_site(folder, feed="0.10"):
    """A bench with one vessel and a balance; gives the site file."""
    (folder / "sites").mkdir(parents=True, exist_ok=True)
    (folder / "classes").mkdir(exist_ok=True)
    (folder / "classes/stirred-tank-2l.yaml").write_text((ROOT / "configs/classes/stirred-tank-2l.yaml").read_text())
    site = folder / "sites/bench.yaml"
    site.write_text(SITE.replace("FEED", feed))
    return site


class Simulators:
    """The instruments of the site, each a process; the vessel's state is set as the operator moves probes."""

    def __init__(self, folder, speed=1.0, instruments=INSTRUMENTS):
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "site": "bench",
            "speed": speed,
            "seed": 1,
            "directory": str(folder),
            "with_parent": True,
            "vessels": {VESSEL: {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 25.0}},
            "instruments": instruments,
        }
        command = [sys.executable, "-m", "simulators"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(document) + "\n")
        self.process.stdin.flush()
        self.line = self.process.stdout.readline()
        self.file = folder / "addresses.json"
        self.file.write_text(self.line)
        self.document = json.loads(self.line)

    def url(self, name):
        return self.document["instruments"][name]["url"]

    def ask(self, **request):
        host, port = self.document["control"].split(":")
        with socket.create_connection((host, int(port)), timeout=5) as link, link.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline())
        assert answer["ok"], answer
        return answer

    def set(self, **state):
        self.ask(op="set", vessel=VESSEL, state=state)

    async def read(self, name, *addresses):
        """What an instrument says now, by its driver."""
        driver = registry.create(INSTRUMENTS[name]["kind"], ConnectionSpec(name, self.url(name), {}, 1.0))
        await driver.open()
        try:
            samples = await driver.read(driver.plan([Point(address, address) for address in addresses]))
        finally:
            await driver.close()
        return [sample.value for sample in samples]

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=10)


class Operator:
    """Standard input and output of one command: answers by the key of the question, a list in turn; an answer may be a
    function that does something first. Without an answer nobody is there any more.
    """

    def __init__(self, answers):
        self.answers = {key: list(value) if isinstance(value, list) else [value] for key, value in answers.items()}
        self.text = ""
        self.asked = []

    def readline(self):
        key = QUESTION.search(self.text).group(1)
        self.asked.append(key)
        if not self.answers.get(key):
            return ""
        answer = self.answers[key].pop(0)
        line = answer() if callable(answer) else answer
        self.text += f"{line}\n"
        return f"{line}\n"

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return False


class Bench:
    """Types ``biovisor device calibrate`` lines; gives exit code, what was printed, and errors."""

    def __init__(self, site, data, monkeypatch, capsys, simulators=None):
        self.site, self.data, self.simulators = site, data, simulators
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def types(self, *words, answers=None):
        operator = Operator(answers or {})
        use = ["--instruments", str(self.simulators.file)] if self.simulators else []
        with self._monkeypatch.context() as patch:
            patch.setattr("sys.stdin", operator)
            patch.setattr("sys.stdout", operator)
            code = main(["device", "calibrate", str(self.site), *words, "--data", str(self.data), *use])
        self.asked = operator.asked
        return code, operator.text, self._capsys.readouterr().err

    @property
    def file(self):
        return self.data / "calibrations" / f"bench{'-simulated' if self.simulators else ''}.jsonl"

    def entries(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []
