"""What a process holds of memory (Linux). It imports nothing that would be counted."""

from pathlib import Path


def peak() -> float:
    """The most megabytes that this process ever held (getrusage would tell of the process that started it too)."""
    return _read("VmHWM:")


def held() -> float:
    """The megabytes that this process holds."""
    return _read("VmRSS:")


def _read(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(name)[2].split()[0]) / 1024
