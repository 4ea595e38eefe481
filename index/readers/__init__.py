"""One file a format: bytes -> Readings. `scan` walks the sources; every file ends read or skipped with a reason."""

from index.readers.scanning import READERS, Scan, scan

__all__ = ["READERS", "Scan", "scan"]
