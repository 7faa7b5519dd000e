"""The names in an archive: none may leave the target, and no two may be one file on some system."""

import os
import re
import unicodedata
from pathlib import Path


class NameRegister:
    """Checks names one after another. `archive` is what error messages call the archive."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._spelling: dict[str, str] = {}  # folded path -> path as written
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, name: str, *, is_folder: bool) -> Path:
        """Give the relative path of an entry. Raises ValueError for a name that must not be unpacked."""
        parts = self._safe_parts(name)
        self._count += 1
        path = ""
        for depth, part in enumerate(parts):
            path = f"{path}/{part}" if path else part
            folded = unicodedata.normalize("NFC", path).casefold()
            known = self._spelling.setdefault(folded, path)
            if known != path:
                self._refuse(name, f"and {known!r} would be one on systems that do not tell case apart")
            is_last = depth == len(parts) - 1
            if folded in self._files:
                self._refuse(
                    name, "is there twice" if is_last else f"needs {path!r} to be a folder and a file"
                )
            if is_last and not is_folder:
                if folded in self._folders:
                    self._refuse(name, "is a folder and a file")
                self._files.add(folded)
            else:
                self._folders.add(folded)
        return Path(*parts)

    def _safe_parts(self, name: str) -> list[str]:
        if not name or any(ord(character) < 32 or ord(character) == 127 for character in name):
            self._refuse(name, "has an empty name or a control character in it")
        plain = name.replace("\\", "/")
        if plain.startswith("/") or re.match(r"[A-Za-z]:", plain):
            self._refuse(name, "has an absolute path")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        if ".." in parts:
            self._refuse(name, "leads out of the target with '..'")
        if os.name == "nt" and any(re.search(r'[<>:"|?*]|[. ]$', part) for part in parts):
            self._refuse(name, "has a character that Windows does not allow")
        return parts

    def _refuse(self, name: str, why: str) -> None:
        raise ValueError(f"{self._archive}: the entry {name!r} {why}; nothing was unpacked")
