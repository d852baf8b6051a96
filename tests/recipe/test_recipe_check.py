"""What is wrong with a recipe is said all at once, each with its line and column."""

from pathlib import Path

import pytest

from controller.config.load import load_class
from controller.config.problems import Problems
from controller.config.schema import schema
from controller.config.source import parse_text
from controller.recipe.check import check_recipe, find_class_file, load_recipe, wanted_class
from controller.recipe.freeze import freeze

ROOT = Path(__file__).parents[2]
CAR_T = (ROOT / "configs/recipes/car-t-expansion.yaml").read_text()


def problems_of(text, vessel_class):
    with pytest.raises(Problems) as caught:
        load_recipe(text, vessel_class)
    return [(one.line, one.column, f"{one.message} {one.hint}") for one in caught.value.problems]


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("name", "kind"), [("car-t-expansion", "stirred-tank-2l"), ("ecoli-fed-batch", "microbial-2l")]
)
def test_shipped_recipes_are_right(name, kind):
    vessel_class = load_class(ROOT / f"configs/classes/{kind}.yaml").config
    recipe = load_recipe(ROOT / f"configs/recipes/{name}.yaml", vessel_class)
    assert recipe.config.recipe == name
    assert check_recipe(recipe, vessel_class) == []
    assert len(recipe.sha256) == 64
    control = freeze(recipe, vessel_class, {})
    assert list(control.operations) == [one.operation for one in recipe.config.procedure]
    assert "feed" in control.feeds


def test_thirteen_mistakes_give_thirteen_messages(stirred_tank):
    text = CAR_T
    changes = [
        ("licence: Apache-2.0\n", "", 1, "licence is missing"),
        ("requires: [temperature", "requires: [raman, temperature", None, "no 'raman'"),
        ("hard: 0.5 .. 1.95 L", "hard: 0.5 .. 1.95 h", None, "hard:"),
        ("value: 24 h", "value: 24", None, "a unit is missing"),
        ("to: culture_temperature}", "to: culture_temprature}", None, "no 'culture_temprature'"),
        ("loop: air,", "loop: airr,", None, "no loop 'airr'"),
        ("elapsed > 6 h", "elapsed > 6 hrs", None, "unknown unit 'hrs'"),
        ("then: expand", "then: expnd", None, "no operation 'expnd'"),
        ("high: 200 mL", "high: 0.2 mL", None, "is above high"),
        ("viable_density >=", "viable_densty >=", None, "no 'viable_densty'"),
        ("to: 0 mL/h", "to: 400 mL/h", None, "outside what the loop takes"),
        ("temperature < harvest_temperature", "temperature < 3 h + harvest_temperature", None, "do not fit together"),
        ("text: Harvest the", "txt: Harvest the", None, "'txt' is not known"),
    ]
    for old, new, _line, _message in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    found = problems_of(text, stirred_tank)
    for _old, new, line, message in changes:
        wanted = line or line_of(text, new)
        matching = [one for one in found if message in one[2]]
        assert matching, message
        if line is None:
            assert matching[0][0] == wanted
            assert matching[0][1] > 1
    assert len(found) == len(changes) + 1  # the inoculum's default is outside the turned-round range as well


def test_a_mistake_in_a_text_is_shown_at_its_column(stirred_tank, header):
    text = header + (
        "  - operation: one\n    title: One\n"
        '    until: [{when: "elapsed > 1 h or temprature > 3 Cel", then: end}, {when: elapsed > 2 hrs, then: end}]\n'
    )
    line = text.splitlines()[-1]
    found = problems_of(text, stirred_tank)
    assert [one[:2] for one in found] == [
        (line_of(text, "temprature"), line.index("temprature") + 1),
        (line_of(text, "temprature"), line.index("hrs") + 1),
    ]


ONE = "  - operation: one\n    title: One\n"
WAY_OUT = "    until: [{when: elapsed > 1 h, then: end}]\n"


def asking(inputs):
    return ONE + f"    do: [{{prompt: a, text: A, inputs: {{{inputs}}}}}]\n    then: end\n"


@pytest.mark.parametrize(
    ("procedure", "message"),
    [
        ("  []\n", "has no operations"),
        (ONE, "nothing leads out of 'one'"),
        (ONE + "    until: [{when: temperature > 3 Cel, then: end}]\n", "'one' may never end"),
        (ONE + "    until: [{when: temperature > 3 Cel and elapsed > 1 h, then: end}]\n", "'one' may never end"),
        (ONE + "    do: [{feed_by_count: {loop: feed, rate: rate}}]\n    then: end\n", "'one' may never end"),
        (ONE + "    auto_tune: [temperature, feed]\n    then: end\n", "no loop with a controller 'feed'"),
        (ONE + "    auto_tune: [warmth]\n    then: end\n", "no loop with a controller 'warmth'"),
        (ONE + "    then: one\n", "the batch never ends"),
        (ONE + "    then: hold\n", "no operation 'hold'"),
        (ONE + "    then: end\n" + ONE + "    then: end\n", "an operation 'one' already"),
        (ONE + "    then: end\n  - {operation: two, title: Two, then: end}\n", "'two' is never reached"),
        ("  - {operation: hold, title: Hold, then: end}\n", "a word of the language"),
        (ONE + "    do: [{set: {loop: feed, to: temperature}}]\n    then: end\n", "there is no 'temperature' here"),
        (ONE + "    do: [{set: {loop: feed, to: 3}}]\n    then: end\n", "a unit is missing"),
        (ONE + "    do: [{set: {loop: feed, to: true}}]\n    then: end\n", "this is true"),
        (ONE + "    do: [{set: {loop: temperature, to: 3 h}}]\n    then: end\n", "a temperature (Cel) is expected"),
        (ONE + "    do: [{set: {loop: temperature, to: warm, by: 3}}]\n    then: end\n", "'by' is not known"),
        (
            ONE + "    do: [{set: {loop: feed, to: 1 mL/h}}, {set: {loop: feed, to: 2 mL/h}}]\n    then: end\n",
            "moved by an earlier phase",
        ),
        (ONE + "    do: [{prompt: ready}]\n    then: end\n", "has no text"),
        (ONE + "    do: [{text: Hello}]\n    then: end\n", "a phase is one of"),
        (ONE + "    do: [{set: {loop: feed, to: 1 mL/h}, text: Hello}]\n    then: end\n", "belong to a prompt"),
        (
            ONE + "    do: [{prompt: a, text: A, set: {loop: feed, to: 1 mL/h}}]\n    then: end\n",
            "this has set and prompt",
        ),
        (ONE + "    do: [{prompt: a, text: A, simulate: {dance: {}}}]\n    then: end\n", "hands cannot 'dance'"),
        (ONE + "    do: [{prompt: a, text: A, simulate: {sample: {}}}]\n    then: end\n", "volume is missing"),
        (
            ONE + "    do: [{prompt: a, text: A, simulate: {harvest: {volume: 3 mL}}}]\n    then: end\n",
            "'volume' is not known here",
        ),
        (
            ONE + "    do: [{prompt: a, text: A, simulate: {sample: {volume: 3 h}}}]\n    then: end\n",
            "a volume (mL) is expected",
        ),
        (
            asking("warm: {title: W, unit: mL, low: 1 mL, high: 2 mL}"),
            "'warm' is a tag or a parameter already",
        ),
        (
            asking("v: {title: V, unit: mL, low: 1 h, high: 2 mL}"),
            "a volume is expected here, not a time",
        ),
        (
            asking("v: {title: V, unit: mL, low: 1 mL, high: 2 mL, default: 3 mL}"),
            "default: 3 mL is outside",
        ),
        (ONE + "    do: [{count_cells: {every: 0 h, sample: 2 mL, text: T}}]\n" + WAY_OUT, "longer than zero"),
        (ONE + "    do: [{count_cells: {every: 2 L, sample: 2 mL, text: T}}]\n" + WAY_OUT, "a time (s) is expected"),
        (ONE + "    do: [{feed_by_count: {loop: temperature, rate: rate}}]\n" + WAY_OUT, "is not a feed"),
        (ONE + "    do: [{feed_by_count: {loop: food, rate: rate}}]\n" + WAY_OUT, "no loop 'food'"),
        (
            ONE + "    do: [{exponential_feed: {loop: food, start: 4 mL/h, growth: 0.1 1/h}}]\n" + WAY_OUT,
            "no loop 'food'",
        ),
        (ONE + "    do: [{feed_by_count: {loop: feed, rate: 3 mL/h}}]\n" + WAY_OUT, "a rate is per cells"),
        (
            ONE + "    do: [{feed_by_count: {loop: feed, rate: rate, until: volum > 1 L}}]\n" + WAY_OUT,
            "no 'volum' here",
        ),
        (
            ONE + "    do: [{exponential_feed: {loop: feed, start: 400 mL/h, growth: 0.1 1/h}}]\n" + WAY_OUT,
            "start: 400 mL/h is outside",
        ),
        (
            ONE + "    do: [{exponential_feed: {loop: feed, start: 4 mL/h, growth: 0.1 h}}]\n" + WAY_OUT,
            "is expected here, not a time",
        ),
    ],
)
def test_mistakes_of_a_procedure(procedure, message, header, stirred_tank):
    found = problems_of(header + procedure, stirred_tank)
    assert any(message in one[2] for one in found), found


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("value: 37 Cel, hard: 30 .. 39 Cel, proven: 29 .. 38 Cel, normal: 36 .. 38 Cel", "beyond the hard range"),
        ("value: 37 Cel, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 35 .. 38 Cel", "beyond the proven range"),
        ("value: 35 Cel, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel", "outside the proven range"),
        ("value: 37 Cel, hard: 30 .. 39 h, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel", "is expected here, not a time"),
        ("value: 37 Cel, hard: 39 .. 30 Cel, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel", "the range is empty"),
        ("value: 37 Cel, hard: 30 .. 99 Cel, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel", "beyond what loop"),
    ],
)
def test_mistakes_of_a_formula(parameter, message, header, stirred_tank):
    text = header.replace("formula:\n", f"formula:\n  hot: {{title: Hot, {parameter}}}\n")
    text += "  - {operation: one, title: One, do: [{set: {loop: temperature, to: hot}}], then: end}\n"
    found = problems_of(text, stirred_tank)
    assert len(found) == 1
    assert message in found[0][2]
    assert found[0][0] == line_of(text, "hot:")


@pytest.mark.parametrize(
    ("parameter", "key", "message"),
    [
        (
            "value: 37 h, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel",
            "value:",
            "value: h does not fit: a temperature is expected here, not a time (the ranges are in Cel)",
        ),
        (
            "value: 37 K, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel",
            "value:",
            "value: 37 K is outside the hard range, 30 Cel .. 39 Cel "
            "(the unit of value, K, is not that of the others, Cel: is it meant?)",
        ),
        (
            "value: 37 Cel, hard: 30 .. 39 K, proven: 36 .. 38 Cel, normal: 36 .. 38 Cel",
            "hard:",
            "value: 37 Cel is outside the hard range, 30 K .. 39 K "
            "(the unit of hard, K, is not that of the others, Cel: is it meant?)",
        ),
        (
            "value: 37 Cel, hard: 30 .. 39 Cel, proven: 36 .. 400 K, normal: 36 .. 38 Cel",
            "proven:",
            "proven: 36 K .. 400 K reaches beyond the hard range, 30 Cel .. 39 Cel "
            "(the unit of proven, K, is not that of the others, Cel: is it meant?)",
        ),
    ],
)
def test_a_lone_unit_is_named_where_it_stands(parameter, key, message, header, stirred_tank):
    text = header.replace("formula:\n", f"formula:\n  hot: {{title: Hot, {parameter}}}\n")
    text += "  - {operation: one, title: One, do: [{set: {loop: temperature, to: hot}}], then: end}\n"
    with pytest.raises(Problems) as refused:
        load_recipe(text, stirred_tank)
    line, (first, *_) = line_of(text, "hot:"), str(refused.value).splitlines()
    column = text.splitlines()[line - 1].index(key) + len(key) + 2
    assert first.endswith(f":{line}:{column}: {message}")


@pytest.mark.parametrize(("name", "message"), [("elapsed", "word of the language"), ("volume", "is a tag already")])
def test_parameters_with_taken_names(name, message, header, stirred_tank):
    text = header.replace("  warm:", f"  {name}:") + "  - {operation: one, title: One, then: end}\n"
    assert [one[2] for one in problems_of(text, stirred_tank) if message in one[2]]


def test_without_a_class_only_what_no_class_could_put_right(header):
    small = header + "  - {operation: one, title: One, do: [{set: {loop: lamp, to: 3 lx}}], then: end}\n"
    assert load_recipe(small).config.recipe == "small"
    with pytest.raises(Problems, match="leads out"):
        load_recipe(header + "  - {operation: one, title: One}\n")
    with pytest.raises(Problems, match="not understood"):
        load_recipe(header + "  - {operation: one, title: One, until: [{when: elapsed = 3 h, then: end}]}\n")


def test_a_class_that_cannot_do_it(car_t, stirred_tank):
    kept = {name: tag for name, tag in stirred_tank.measurements.items() if not tag.sampled}
    blind = stirred_tank.model_copy(update={"vessel_class": "blind", "measurements": kept, "calculated": {}})
    messages = [one.message for one in check_recipe(car_t, blind)]
    assert "the class is 'blind', the recipe is for 'stirred-tank-2l'" in messages
    assert any("class blind has no 'viable_density'" in one for one in messages)
    assert "class blind cannot count cells" in messages
    assert "class blind has no viable_density and no volume" in messages


def test_a_feed_that_cannot_be_stopped(car_t, stirred_tank):
    feed = stirred_tank.loops["feed"]
    setpoint = feed.setpoint.model_copy(update={"low": type(feed.setpoint.low)(1.0, "mL/h")})
    loops = {**stirred_tank.loops, "feed": feed.model_copy(update={"setpoint": setpoint})}
    messages = [one.message for one in check_recipe(car_t, stirred_tank.model_copy(update={"loops": loops}))]
    assert "'feed' cannot be stopped: its setpoint does not go down to 0" in messages


def test_finding_the_class():
    path = ROOT / "configs/recipes/car-t-expansion.yaml"
    assert wanted_class(parse_text(CAR_T)) == "stirred-tank-2l"
    assert wanted_class(parse_text("a: 1")) == ""
    assert find_class_file(path, "stirred-tank-2l") == ROOT / "configs/classes/stirred-tank-2l.yaml"
    assert find_class_file(path, "nothing") is None
    assert find_class_file(path, "") is None


def test_schema():
    recipe = schema("recipe")
    assert recipe["required"][0] == "recipe"
    assert "exponential_feed" in recipe["$defs"]["PhaseConfig"]["properties"]
    assert "set" in recipe["$defs"]["PhaseConfig"]["properties"]


def test_something_that_is_no_recipe_at_all(stirred_tank):
    assert problems_of("- 3", stirred_tank)[0][:2] == (1, 1)
    assert [one[2] for one in problems_of("recipe: r", stirred_tank) if "procedure is missing" in one[2]]


def test_cells_by_weight(header, stirred_tank):
    """A class that gives the cells as a concentration: the rate is per gram, and its dimension says when it is not."""
    density = stirred_tank.measurements["viable_density"].model_copy(update={"unit": "g/L"})
    by_weight = stirred_tank.model_copy(
        update={"measurements": {**stirred_tank.measurements, "viable_density": density}}
    )
    text = header + ONE + "    do: [{feed_by_count: {loop: feed, rate: %s}}]\n" + WAY_OUT
    assert load_recipe(text % "4 mL/h/g", by_weight).config.recipe == "small"
    assert "a flow (mL/h) is expected here" in problems_of(text % "4 mL/h", by_weight)[0][2]
