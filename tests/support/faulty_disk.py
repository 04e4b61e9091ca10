"""A disk that fails or is slow, injected into a service by a preloaded library."""

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
    """Controls the syncs of SQLite's log in a service that is started with `prefix`.

    Args:
        directory: for the library, and the file by which the service is controlled.
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
        """Delay each sync by this time."""
        struct.pack_into("i", self._shared, 4, int(seconds * 1_000_000))

    def kill(self, *, at_next_sync: bool) -> None:
        """Kill the service right after its next successful sync."""
        struct.pack_into("i", self._shared, 12, at_next_sync)

    @property
    def syncs(self) -> int:
        """Number of syncs."""
        count: int = struct.unpack_from("i", self._shared, 8)[0]
        return count
