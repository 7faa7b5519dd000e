"""Files that the fault tests make, and how they see that nothing of the user's has changed."""

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

HARD_NAMES = ["普通小麦", 'it\'s a "class"', "two words", "🌱🌾", "x" * 200, "100%", "-rf", "été"]


def checksums(folder: Path) -> dict[str, str]:
    """Everything below the folder: files by SHA-256, links by target, folders by name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder" if path.is_dir() else "special"
    return found


def write_picture(path: Path, number: int = 0, side: int = 6) -> Path:
    """A PNG of its own for each number, up to a million."""
    blue = 30 + number // 65536
    pixels = np.full((side - 1, side, 3), (number % 256, number // 256 % 256, blue), np.uint8)
    pixels[0] = 255 - pixels[0]
    Image.fromarray(pixels).save(path, "PNG")
    return path


def make_tree(root: Path, names: list[str], count: int = 2, *, first: int = 0) -> Path:
    """Folders `names` with `count` pictures each; all pictures differ from `first` on."""
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            write_picture(root / name / f"{number}.png", first + place * count + number)
    return root


def plant_junk(root: Path, class_name: str) -> None:
    """What systems and tools leave behind, in `root` and in one of its class folders."""
    for folder in (".ipynb_checkpoints", f"__MACOSX/{class_name}", f"{class_name}/.ipynb_checkpoints",
                   "@eaDir", ".hidden"):  # fmt: skip
        (root / folder).mkdir(parents=True)
        for number in range(2):
            write_picture(root / folder / f"{number}.png", 900_000 + number)
    for name in ("._cat.png", ".DS_Store", "Thumbs.db", "desktop.ini", f"{class_name}/._0.png",
                 f"{class_name}/Thumbs.db"):  # fmt: skip
        (root / name).write_bytes(b"\x00\x05\x16\x07 junk")


def encoded(file_format: str, seed: int = 0, **options: object) -> bytes:
    """A small picture of noise as the bytes of a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, file_format, **options)
    return stream.getvalue()
