"""The package, built and installed as its users install it."""

import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

from tests.support.components import require

ROOT = Path(__file__).parents[2]


def install(folder: Path) -> Path:
    """Build the wheel, install it into a new environment, and return the folder of its programs.

    Its dependencies are those of the tests' own environment.
    """
    require(find_spec("hatchling") is not None, "needs hatchling")
    pip = [sys.executable, "-m", "pip", "-q"]
    built = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(built, check=True)
    [wheel] = folder.glob("*.whl")
    made = folder / "environment"
    venv.create(made, symlinks=True)
    python = made / "bin" / "python"
    others = sysconfig.get_path("purelib")
    [packages] = made.glob("lib/python*/site-packages")
    (packages / "tests.pth").write_text(f"{others}\n")
    installed = [sys.executable, "-m", "pip", "-q", "--python", str(python), "install"]
    subprocess.run([*installed, "--no-deps", "--no-index", str(wheel)], check=True)
    return made / "bin"
