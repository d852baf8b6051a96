"""Three-valued logic against a naive reference that tries every way the unknown could turn out."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.recipe.conditions import ConditionError, compile_condition
from controller.recipe.symbols import Symbol

NAMES = ("a", "b", "c", "d")
SYMBOLS = {name: Symbol("L") for name in NAMES}

leaf = st.tuples(st.just("leaf"), st.sampled_from(NAMES))
trees = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def text_of(tree):
    if tree[0] == "leaf":
        return f"{tree[1]} > 1 L"
    if tree[0] == "not":
        return f"not ({text_of(tree[1])})"
    return f" {tree[0]} ".join(f"({text_of(part)})" for part in tree[1])


def kleene(tree, truth):
    """Strong Kleene logic on numbers: false 0, unknown 1/2, true 1; and = min, or = max, not = 1 - x."""
    if tree[0] == "leaf":
        return truth[tree[1]]
    if tree[0] == "not":
        return 1 - kleene(tree[1], truth)
    parts = [kleene(part, truth) for part in tree[1]]
    return min(parts) if tree[0] == "and" else max(parts)


@settings(max_examples=300, deadline=None)
@given(trees, st.fixed_dictionaries({name: st.sampled_from((0.0, 0.5, 1.0)) for name in NAMES}))
def test_against_the_reference(tree, truth):
    values = {name: {0.0: (0.0, 0), 0.5: (math.nan, 0), 1.0: (2.0, 1)}[one] for name, one in truth.items()}
    condition = compile_condition(text_of(tree), SYMBOLS)
    assert condition.evaluate(values.__getitem__) is {0.0: False, 0.5: None, 1.0: True}[kleene(tree, truth)]
    assert condition.names <= set(NAMES)


@settings(max_examples=100, deadline=None)
@given(trees, st.fixed_dictionaries({name: st.sampled_from((False, None, True)) for name in NAMES}))
def test_a_decision_holds_whatever_the_unknown_turns_out_to_be(tree, truth):
    condition = compile_condition(text_of(tree), SYMBOLS)

    def decide(known):
        return condition.evaluate(lambda name: (0.0, 2) if known[name] is None else (2.0 if known[name] else 0.0, 0))

    decided = decide(truth)
    if decided is None:
        return
    unknown = [name for name in NAMES if truth[name] is None]
    for turned in itertools.product((False, True), repeat=len(unknown)):
        assert decide({**truth, **dict(zip(unknown, turned, strict=True))}) is decided


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.sampled_from(("<", "<=", ">", ">=", "==", "!=")),
    st.sampled_from((("L", 1.0), ("mL", 1e-3), ("m3", 1e3))),
)
def test_comparisons_in_any_unit(value, limit, sign, unit):
    text = f"a {sign} {limit:.6f} {unit[0]}" if limit >= 0 else f"a {sign} -{-limit:.6f} {unit[0]}"
    wanted = float(f"{limit:.6f}") * unit[1]
    if abs(value - wanted) < 1e-9 * max(1.0, abs(value)):
        value = wanted + 1.0
    expected = {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}
    expected |= {"==": False, "!=": True}
    assert compile_condition(text, SYMBOLS).evaluate(lambda _name: (value, 0)) is expected[sign]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab12.> <+-*/()andornot%LCel{}[]\"'\\é", max_size=40))
def test_any_text_compiles_or_is_refused_with_a_place(text):
    def attempt():
        try:
            return compile_condition(text, SYMBOLS), []
        except ConditionError as error:
            return None, error.faults

    condition, faults = attempt()
    assert (condition is None) == bool(faults)
    assert all(0 <= fault.offset <= len(text) for fault in faults)
    if condition is not None:
        assert condition.evaluate(lambda _name: (math.nan, 2)) in {True, False, None}
