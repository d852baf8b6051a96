"""The command line as a whole: help, version, exit codes, and what it must not import."""

import subprocess
import sys
from importlib import metadata

import pytest

from controller.cli.main import COMMANDS, main

HEAVY = {"asyncua", "fastapi", "numpy", "pydantic", "pymodbus", "serial", "yaml"}


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_is_no_error(arguments, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(arguments)
    assert capsys.readouterr().out.startswith("usage: biovisor")


def test_the_version_is_the_distributions(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"biovisor {metadata.version('biovisor')}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["run"], ["check"], ["schema"], ["schema", "vessel"], ["demo", "x"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    assert "usage: biovisor" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--port=eight", "--port=1.5", "--speed=fast"])
def test_a_value_of_the_wrong_kind_is_exit_code_2(option, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["demo", option])
    assert f"argument {option.split('=')[0]}: invalid" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_failure_to_trace():
    program = "import sys; from controller.cli.main import main; sys.exit(main(['schema', 'class']))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == 1


def test_parsing_imports_nothing_heavy():
    """Half a second of imports before ``--help`` or the first scan would be felt."""
    program = "import sys; from controller.cli.main import build_parser; build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=10, check=True)
    assert not HEAVY & {module.split(".")[0] for module in done.stdout.split()}
