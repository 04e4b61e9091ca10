"""A disk that fails or is slow: injected into a service by a library that is preloaded."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

from tests.support.components import require

SOURCE = Path(__file__).with_suffix(".c")

ALL = -1
"""For `Disk.fail`: each sync fails until told otherwise."""


class Disk:
    """What becomes of the syncs of SQLite's log in a service started with `prefix`.

    Args:
        directory: where the library is built, and the file is kept that the service looks at.
    """

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc")
        require(compiler is not None, "a C compiler is not installed")
        library, control = directory / "faults.so", directory / "faults"
        subprocess.run(
            [str(compiler), "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True
        )
        control.write_bytes(bytes(mmap.PAGESIZE))
        with control.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.prefix = ("env", f"LD_PRELOAD={library}", f"FAULTS={control}")
        """For `tests.support.service_process.service`."""

    def fail(self, syncs: int) -> None:
        """Let this many of the next syncs fail with EIO; `ALL` of them, or 0."""
        struct.pack_into("i", self._shared, 0, syncs)

    def slow_down(self, seconds: float) -> None:
        """Let each sync take so much longer."""
        struct.pack_into("i", self._shared, 4, int(seconds * 1_000_000))

    def kill(self, *, at_next_sync: bool) -> None:
        """Have the service killed as its next sync has succeeded, and before it goes on."""
        struct.pack_into("i", self._shared, 12, at_next_sync)

    @property
    def syncs(self) -> int:
        """How many there have been."""
        count: int = struct.unpack_from("i", self._shared, 8)[0]
        return count
