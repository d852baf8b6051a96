"""Cross-checks of a vessel class: the programs that may lead a direct loop, what they read, and the bottle."""

from __future__ import annotations

from controller.config.checker import MEASURED, Checker
from controller.config.loop_class import DirectLoop
from controller.config.loop_units import signal_unit
from controller.config.problems import Path, nearest
from controller.config.program_class import Bottle, Setting
from controller.config.program_limits import A_FLOW, MOLAR, amount_unit, fitting, is_flow, signal_name
from controller.config.program_words import PROGRAMS, ParameterWord, ProgramWord, SignalWord, filled
from controller.units import Quantity, Range, UnitError


def check_programs(check: Checker) -> None:
    """Programs exist and find what they read, their ranges can be, and bottles are larger than nothing."""
    for name, loop in check.config.loops.items():
        if isinstance(loop, DirectLoop) and (loop.programs or loop.bottle):
            _LoopPrograms(check, name, loop).run()


class _LoopPrograms:
    """The checks of one loop."""

    def __init__(self, check: Checker, name: str, loop: DirectLoop) -> None:
        self.check, self.loop = check, loop
        self.path: Path = ("loops", name)
        self.unit = check.config.unit(loop.output)

    def run(self) -> None:
        """All of them; nothing that needs the loop's unit while that is not known."""
        listed = self.check.bound.document.at((*self.path, "programs"))
        for index, (name, settings) in enumerate(self.loop.programs.items()):
            path: Path = (*self.path, "programs", index if isinstance(listed, list) else name)
            if name not in PROGRAMS:
                hint = nearest(name, list(PROGRAMS))
                self.check.bound.problem(path, f"there is no program {name!r}", hint, at_key=True)
            elif self.unit is not None:
                self.program(path, PROGRAMS[name], settings, self.unit)
        if self.unit is not None:
            self.stoppable(self.unit)
            if self.loop.bottle is not None:
                self.bottle((*self.path, "bottle"), self.loop.bottle, self.unit)

    def stoppable(self, unit: str) -> None:
        """A program ends at nothing."""
        path: Path = (*self.path, "setpoint", "low")
        low = self.check.value(path, self.loop.setpoint.low, unit)
        if is_flow(unit) and low is not None and low != 0.0:
            message = (
                f"low: {self.loop.setpoint.low}: a loop with programs or a bottle must go down to 0 and no further"
            )
            self.check.bound.problem(path, message, f"write 0 {unit}")

    def program(self, path: Path, program: ProgramWord, settings: dict[str, Setting], unit: str) -> None:
        """One program: the loop is of its kind, and it finds what it reads."""
        if not program.any_unit and not is_flow(unit):
            message = f"program {program.name} leads a flow, such as {A_FLOW}; this loop is in {unit}"
            self.check.bound.problem(path, message, "constant and table lead any loop", at_key=True)
            return
        signals = {signal.name: signal for signal in program.signals}
        parameters = {word.name: word for word in program.parameters}
        for name, setting in settings.items():
            if name in signals and isinstance(setting, str):
                self.signal((*path, name), signals[name], setting)
            elif name in parameters and isinstance(setting, Range):
                self.range((*path, name), parameters[name], setting, self.units(program, settings, unit))
            else:
                self.unknown((*path, name), name, setting, [*parameters, *signals])
        for signal in program.signals:
            if signal.name not in settings and not signal.optional:
                self.default(path, program, signal)

    def units(self, program: ProgramWord, settings: dict[str, Setting], unit: str) -> tuple[str, str, str]:
        """What fills the words in the units of a program: rate, amount and concentration of glucose."""
        total = self.check.config.unit(self.loop.total) if self.loop.total else None
        read = [signal for signal in program.signals if signal.name == "glucose"]
        tags = [(signal_unit(self.check.config, signal_name(signal, settings)), signal.units) for signal in read]
        found = [fits for tag_unit, units in tags if (fits := fitting(tag_unit, units)) is not None]
        return unit, amount_unit(unit, total), found[0] if found else MOLAR

    def signal(self, path: Path, signal: SignalWord, name: str) -> None:
        """A named signal exists, in a unit that fits."""
        loop, dot, _part = name.partition(".")
        known = self.check.names("loops") if dot else self.check.names(*MEASURED)
        what = "loop" if dot else "measurement or calculated tag"
        if self.check.known(path, loop if dot else name, known, what):
            self.fits(path, signal, name)

    def fits(self, path: Path, signal: SignalWord, name: str, *, at_key: bool = False) -> None:
        """A signal's tag is in a unit that the program understands."""
        unit = signal_unit(self.check.config, name)
        if unit is not None and fitting(unit, signal.units) is None:
            message = f"{signal.name}: {name} is in {unit}, which does not convert to {' or '.join(signal.units)}"
            self.check.bound.problem(path, message, "name another tag", at_key=at_key)

    def default(self, path: Path, program: ProgramWord, signal: SignalWord) -> None:
        """A signal that is not named is the tag of its own name, which has to exist."""
        name = signal.default.partition(".")[0]
        if name in self.check.names(*MEASURED, "loops"):
            self.fits(path, signal, signal.default, at_key=True)
            return
        message = f"program {program.name} reads the {signal.title.lower()}, and there is no tag {signal.default!r}"
        self.check.bound.problem(
            path, message, f"name it, as in {program.name}: {{{signal.name}: my_tag}}", at_key=True
        )

    def range(self, path: Path, word: ParameterWord, setting: Range, units: tuple[str, str, str]) -> None:
        """A range is in the parameter's unit and inside what the parameter can be."""
        unit = filled(word.unit, *units)
        if word.choices or word.points:
            message = f"{word.name} has no range"
            self.check.bound.problem(path, message, f"it is {' or '.join(word.choices) or 'a table'}")
            return
        low, high = self.limits(word, unit)
        for end in (setting.low, setting.high):
            value = self.check.value(path, end, unit)
            if value is None:
                return
            if not low <= value <= high:
                message = f"{word.name}: {end} is outside what it can be, {low:g} .. {high:g} {unit}"
                self.check.bound.problem(path, message)
                return

    def limits(self, word: ParameterWord, unit: str) -> tuple[float, float]:
        """What a parameter can be; a rate is one that the loop takes."""
        if word.unit != "<rate>":
            return word.low, word.high
        try:
            return word.low, self.loop.setpoint.high.to(unit)
        except UnitError:
            return word.low, word.high  # reported where the setpoint is checked

    def unknown(self, path: Path, name: str, setting: Setting, known: list[str]) -> None:
        """A setting that the program does not have, or has in another form."""
        if name not in known:
            self.check.bound.problem(path, f"{name!r} is not known here", nearest(name, known), at_key=True)
        elif isinstance(setting, Range):
            self.check.bound.problem(path, f"{name}: a tag is expected, not a range", "as in viable_density")
        else:
            self.check.bound.problem(path, f"{name}: a range is expected, not a tag", "as in 0.02 .. 0.3 1/h")

    def bottle(self, path: Path, bottle: Bottle, unit: str) -> None:
        """A bottle holds what the loop delivers, and its balance weighs."""
        if not is_flow(unit):
            message = f"a bottle gives a flow, such as {A_FLOW}; this loop is in {unit}"
            self.check.bound.problem(path, message, at_key=True)
            return
        volume = self.positive((*path, "volume"), bottle.volume)
        warn_at = self.check.value((*path, "warn_at"), bottle.warn_at, "mL")
        if volume is not None and warn_at is not None and not 0.0 <= warn_at < volume:
            message = f"warn_at: {bottle.warn_at} is not between nothing and the volume, {bottle.volume}"
            self.check.bound.problem((*path, "warn_at"), message)
        if bottle.weight is not None and self.check.known(
            (*path, "weight"), bottle.weight, self.check.names(*MEASURED), "measurement or calculated tag"
        ):
            self.balance((*path, "weight"), bottle.weight)

    def balance(self, path: Path, tag: str) -> None:
        """The tag of a balance is a mass."""
        found = self.check.config.unit(tag)
        if found is not None and fitting(found, ("g",)) is None:
            self.check.bound.problem(path, f"weight: {tag} is in {found}, which is no mass", "name a balance")

    def positive(self, path: Path, quantity: Quantity) -> float | None:
        """A volume above nothing, in mL."""
        value = self.check.value(path, quantity, "mL")
        if value is not None and value <= 0.0:
            self.check.bound.problem(path, f"{path[-1]}: {quantity} is too small", "more than 0 mL")
            return None
        return value
