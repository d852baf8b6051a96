"""Soft sensors: values that no instrument measures, calculated from those that are. One model per file.

Every model has an id, which is the ``from`` of a calculated tag, and a version. A value carries the worst quality of
its inputs; what a model can't say is Bad with reason *model*, never a number that looks Good.
"""
