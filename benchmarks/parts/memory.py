"""The memory of a process and of those that it starts, what they share counted once."""

from __future__ import annotations

from pathlib import Path

__all__ = ["by_program", "megabytes"]


def megabytes(root: int) -> float:
    """Return the memory of a process and of those below it."""
    return sum(by_program(root).values())


def by_program(root: int) -> dict[str, float]:
    """Return the memory of a driver of Spark, of its JVM and of what the JVM starts.

    Parameters
    ----------
    root : int
        The driver. What it starts itself, other than Java, counts as the driver.
    """
    found = dict.fromkeys(("driver", "jvm", "workers"), 0.0)
    waiting = [(root, "driver")]
    while waiting:
        number, kind = waiting.pop()
        task = Path(f"/proc/{number}")
        try:
            if (task / "comm").read_text(encoding="utf-8").strip() == "java":
                kind = "jvm"
            text = (task / "smaps_rollup").read_text(encoding="ascii")
            own = next(int(line.split()[1]) for line in text.splitlines() if "Pss:" in line)
            found[kind] += own / 1000 * 1.024
            below = "driver" if kind == "driver" else "workers"
            for thread in (task / "task").iterdir():
                numbers = (thread / "children").read_text(encoding="ascii").split()
                waiting += [(int(child), below) for child in numbers]
        except (OSError, StopIteration):  # it has just ended, or there is no /proc
            continue
    return found
