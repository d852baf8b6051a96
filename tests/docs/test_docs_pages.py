"""Every page: what it shows is understood by the product, what it names exists, where it points something is."""

import json
import re
import shlex

import pytest
import yaml
from pydantic import TypeAdapter

from controller.cli.main import COMMANDS as SUBCOMMANDS
from controller.cli.main import build_parser
from controller.cli.run import complain
from controller.composition.scenario import load_scenario
from controller.config.calculated_class import Calculated
from controller.config.load import load_class
from controller.config.loop_class import Tuning
from controller.config.problems import Problems
from controller.config.site import Connection
from controller.config.tag_class import Measurement, Output
from controller.recipe.check import load_recipe
from simulators.mishaps.order import signals_of
from tests.control.feed_bench import BALANCE, BIOMASS, GLUCOSE, MEDIUM, class_text
from tests.docs.conftest import ALL, COMMANDS, PAGES, ROOT, inline, name, prose

CLASS = ROOT / "configs/classes/stirred-tank-2l.yaml"
CAR_T = ROOT / "configs/recipes/car-t-expansion.yaml"
EXCUSED = {
    "make demo": "installs, then runs `biovisor demo`, which the running tests do",
    "make test": "is what runs this test",
    "make bench": "races for half a minute against programs that the tests do without",
    "pip install . pytest pytest-asyncio": "needs a fresh environment and the network",
    "pip install .": "needs a fresh environment and the network",
    "python -m pytest test_dripper.py": "is run by the tests of its page",
}
BUILT = {"python", "toml"}
"""Languages of the files of a package that the tests of its page build."""
MADE_BY_THE_READER = {"configs/sites/my-site.yaml", "configs/recipes/my-recipe.yaml"}


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def biovisor(command):
    """The arguments of a ``biovisor`` command line; None when it is another program's."""
    words = shlex.split(command)
    words = words[: next((i for i, word in enumerate(words) if word in {">", "&"}), len(words))]
    return words[1:] if words[0] in {"biovisor", ".venv/bin/biovisor"} else None


def test_there_is_something_to_test():
    assert len(PAGES) > 15
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_line_is_the_products_or_excused(page, command):
    arguments = biovisor(command)
    if arguments is not None:
        parsed = build_parser().parse_args(arguments)
        assert parsed.command != "run" or complain(parsed) == ""
    else:
        assert command in EXCUSED or command.startswith("curl "), f"{page}: {command}"


def test_no_excuse_is_left_over():
    assert EXCUSED.keys() <= {command for _, command in COMMANDS}


def test_every_block_is_of_a_kind_that_is_tested():
    assert {block.language for block in ALL} <= {"sh", "json", "yaml", "text", *BUILT}
    assert {block.page for block in ALL if block.language == "yaml"} <= YAML.keys()
    assert {block.page for block in ALL if block.language in BUILT} == {"docs/how-to/add-an-instrument.md"}
    assert {block.page for block in ALL if block.language == "text"} == {"docs/reference/recipe-language.md"}


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "json"], ids=lambda block: block.page)
def test_every_json_block_is_the_answer_to_a_command(block):
    assert json.loads(block.text)
    assert re.fullmatch(r"\d{1,3}", block.word)
    assert ALL[ALL.index(block) - 1].language == "sh"


def check_fields(block, _):
    """Single keys of a vessel class."""
    models = (Measurement, Output, Tuning)
    for key, value in yaml.safe_load(block.text).items():
        model = next(model for model in models if key in model.model_fields)
        model.__pydantic_validator__.validate_assignment(model.model_construct(), key, value)


def check_operation(block, folder):
    """An operation, in the place of the shipped recipe's of that name."""
    title = yaml.safe_load(block.text)[0]["operation"]
    indented = "".join(f"  {line}" for line in block.text.splitlines(keepends=True))
    pattern = rf"^  - operation: {title}\n(?:(?!  - operation: ).*\n)+"
    text, count = re.subn(pattern, lambda _: f"{indented}\n", CAR_T.read_text(), flags=re.MULTILINE)
    assert count == 1
    recipe = folder / "recipe.yaml"
    recipe.write_text(text)
    load_recipe(recipe, load_class(CLASS).config)


def check_calculated(block, _):
    """Calculated tags, as they are in the shipped class."""
    shipped = load_class(CLASS).config.calculated
    for key, value in yaml.safe_load(block.text).items():
        assert TypeAdapter(Calculated).validate_python(value) == shipped[key]


def check_feed(block, folder):
    """The programs and the bottle of the feed, in the place of the shipped class's, with the tags that they read."""
    load_class(written(folder, class_text(block.text, BALANCE + BIOMASS + GLUCOSE)))


def check_perfusion(block, folder):
    """Loops, beside those of the shipped class, with the pumps that they move."""
    load_class(written(folder, class_text(outputs=MEDIUM, loops=block.text)))


def written(folder, text):
    (folder / "class.yaml").write_text(text)
    return folder / "class.yaml"


def check_class(block, folder):
    """Entries of a vessel class, in the place of those of the same names in a shipped one: it loads in one of them."""
    problems = []
    for shipped in sorted(CLASS.parent.glob("*.yaml")):
        whole = yaml.safe_load(shipped.read_text())
        for part, entries in yaml.safe_load(block.text).items():
            whole[part] = whole.get(part, {}) | entries
        changed = folder / shipped.name
        changed.write_text(yaml.safe_dump(whole, allow_unicode=True))
        try:
            load_class(changed)
        except Problems as error:
            problems.append(str(error))
    assert len(problems) < len(list(CLASS.parent.glob("*.yaml"))), "\n".join(problems)


def check_connections(block, _):
    """Connections of a site."""
    for connection in yaml.safe_load(block.text)["connections"].values():
        Connection.model_validate(connection)


LOOPS = ("agitation", "do", "foam", "gas", "level", "ph", "pressure", "remote", "temperature")


def check_scenario(block, folder):
    """A scenario, word for word one that is shipped."""
    scenario = folder / "scenario.yaml"
    scenario.write_text(block.text)
    load_scenario(scenario, {"BR-101": signals_of({})})
    assert any(shipped.read_text().endswith(block.text) for shipped in (ROOT / "configs/scenarios").iterdir())


YAML = {
    "docs/how-to/add-an-instrument.md": check_connections,
    "docs/how-to/rehearse-faults.md": check_scenario,
    "docs/reference/units.md": check_fields,
    "docs/reference/recipe-language.md": check_operation,
    "docs/reference/soft-sensors.md": check_calculated,
    "docs/reference/loops/feed.md": check_feed,
    "docs/reference/loops/perfusion.md": check_perfusion,
    **{f"docs/reference/loops/{loop}.md": check_class for loop in LOOPS},
}


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "yaml"], ids=lambda block: block.page)
def test_every_yaml_block_is_accepted(block, tmp_path):
    YAML[block.page](block, tmp_path)


JUDGED = {"health", "effect"}
"""Keys of a loop that say how it is judged, and nothing of how it controls."""
SHIPPED = re.compile(r"The class `(configs/classes/[\w-]+\.yaml)`.*?```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/reference/loops").glob("*.md")), ids=name)
def test_a_loop_that_is_said_to_be_of_a_class_is_as_there(page):
    for file, block in SHIPPED.findall(page.read_text()):
        shipped = yaml.safe_load((ROOT / file).read_text())["loops"]
        for loop, shown in yaml.safe_load(block)["loops"].items():
            assert shown == {key: value for key, value in shipped[loop].items() if key not in JUDGED}


@pytest.mark.parametrize(
    "condition", [line for block in ALL if block.language == "text" for line in block.text.splitlines()]
)
def test_every_condition_is_understood(condition):
    recipe = CAR_T.read_text().replace("when: viable_density >= target_density", f"when: {json.dumps(condition)}")
    assert json.dumps(condition) in recipe
    load_recipe(recipe, load_class(CLASS).config)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.is_file(), f"{name(page)}: {target}"
        if anchor:
            assert anchor in map(slug, re.findall(r"^#+ (.*)$", goal.read_text(), re.MULTILINE)), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_named_exists(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for text in inline(page):
        if found := re.match(r"(?:\.venv/bin/)?biovisor ([a-z]+)", text):
            assert found.group(1) in SUBCOMMANDS, text
        elif found := re.fullmatch(r"make ([a-z-]+)", text):
            assert found.group(1) in targets, text
        elif re.match(r"(configs|controller|docs|drivers|simulators|tests)/", text) and text not in MADE_BY_THE_READER:
            assert list(ROOT.glob(text.rstrip("/"))), text


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_whole_command_lines_in_the_text_are_right(page):
    for text in inline(page):
        if text.startswith("biovisor ") and not re.search(r"…|FILE|COMMAND|SITE|--help|--version| PATH", text):
            words = shlex.split(text)[1:]
            if len(words) > 1:
                build_parser().parse_args(words)
