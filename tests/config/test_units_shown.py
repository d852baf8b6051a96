"""Units as people read them: the command line and the operator's page write the same."""

import json
import subprocess
from pathlib import Path

import pytest

from controller.units import in_text, unit_text
from controller.units.shown import SHOWN

FORMAT = Path(__file__).parents[2] / "controller/page/static/js/format.js"
CODES = [
    *SHOWN, "%", "10*9", "10*6", "mL/h", "mmol/L/[pH]", "%/Cel", "{cfu}/mL", "mL/{rev}", "/h", "10*6/mL/h",
    "{rev}/min/s",
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("Cel", "°C"), ("{rev}/min", "rpm"), ("10*6/mL", "10⁶/mL"), ("10*9", "10⁹"), ("1", ""), ("mL/h", "mL/h"),
        ("{cfu}/mL", "cfu/mL"),
    ],
)  # fmt: skip
def test_a_code_is_shown_as_people_write_it(code, shown):
    assert unit_text(code) == shown


def test_codes_in_a_text_are_shown_so_too():
    text = "viable_density >= target_density (target_density = 3 10*6/mL), 0.2 [pH], 150 {rev}/min, 37 Cel, Cellar"
    assert in_text(text) == (
        "viable_density >= target_density (target_density = 3 10⁶/mL), 0.2 pH, 150 rpm, 37 °C, Cellar"
    )


def test_the_page_has_the_same_forms():
    program = f"""
        import {{ unitText }} from {json.dumps(FORMAT.as_uri())};
        console.log(JSON.stringify({json.dumps(CODES)}.map(unitText)));
    """
    done = subprocess.run(["node", "--input-type=module", "-e", program], capture_output=True, text=True, check=True)
    assert dict(zip(CODES, json.loads(done.stdout), strict=True)) == {code: unit_text(code) for code in CODES}
