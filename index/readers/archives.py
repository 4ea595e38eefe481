"""A zip archive that may be opened: judged by its list of members, before any of it is unpacked."""

import io
import re
import zipfile
from pathlib import PurePosixPath

from index.errors import ReadingError

__all__ = ["checked"]

MEMBERS = 5_000
TOTAL = 300_000_000  # bytes, all members unpacked; zipfile unpacks no more of a member than the list says
PART = 40_000_000  # bytes of one XML file, which fills ten times as much memory once it is a tree
RATIO = 100  # unpacked to packed; the XML of real documents has 5 to 30
SMALL = 10_000_000  # bytes unpacked that may have any ratio
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OLD = b"\xd0\xcf\x11\xe0"  # the container of .doc, and of what is encrypted
AWAY = re.compile(r"^(?:[/\\]|[A-Za-z]:)|\\|\0")


def checked(data: bytes, kind: str, needed: str) -> None:
    """`ReadingError` says in one sentence why the archive is not opened; `needed` is a member that its `kind` has."""
    if data.startswith(OLD):
        raise ReadingError(f"it is encrypted or of an older kind; save it as {kind} without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ReadingError(f"it is no {kind} file, or a damaged one ({error})") from error
    if len(members) > MEMBERS:
        raise ReadingError(f"it holds {len(members):,} files; at most {MEMBERS:,} are opened")
    names = {member.filename for member in members}
    for member in members:
        if member.flag_bits & 1:
            raise ReadingError("it is encrypted; save it without a password")
        if AWAY.search(member.filename) or ".." in PurePosixPath(member.filename).parts:
            raise ReadingError(f"it holds a file whose name leads out of it ({ascii(member.filename)[:100]})")
        if member.compress_type not in PACKED:
            raise ReadingError(f"it is packed in a way that {kind} files are not")
        if member.filename.endswith((".xml", ".rels")) and member.file_size > PART:
            raise ReadingError(f"{ascii(member.filename)[:100]} in it would unpack to {member.file_size:,} bytes")
    if len(names) < len(members):
        raise ReadingError("it holds two files of one name")
    total = sum(member.file_size for member in members)
    if total > TOTAL or (total > SMALL and total > RATIO * len(data)):
        raise ReadingError(f"its {len(data):,} bytes would unpack to {total:,}")
    if needed not in names:
        raise ReadingError(f"it is a zip archive, but no {kind} file ({needed} is not in it)")
