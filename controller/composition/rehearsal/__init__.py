"""Rehearsal: a recipe on the plant in process, under a virtual clock, closed by the same scan that runs hardware."""

from controller.composition.rehearsal.befalling import befalling
from controller.composition.rehearsal.clones import vessel_of
from controller.composition.rehearsal.part import Part, Shown, rehearse
from controller.composition.rehearsal.rehearsal import Rehearsal, Setting
from controller.composition.rehearsal.report.build import unbuilt
from controller.composition.rehearsal.summary import Rehearsed, store, summary

__all__ = [
    "Part",
    "Rehearsal",
    "Rehearsed",
    "Setting",
    "Shown",
    "befalling",
    "rehearse",
    "store",
    "summary",
    "unbuilt",
    "vessel_of",
]
