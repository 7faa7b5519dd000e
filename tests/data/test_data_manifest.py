"""The manifest: round trip of hard names, errors that name the row, classes looked up by name."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.data.manifest import Manifest, Row

HARD_NAMES = [
    "a/plain.jpg",
    "a/种子 3 片.png",
    'a/say "cheese", please.jpg',
    "a/semi;colon'quote.jpg",
    "a/\U0001f331\U0001f1e8\U0001f1f3.png",
    "a/caf\u00e9.jpg",
    "a/cafe\u0301 2.jpg",
    "a/ space at the ends .jpg",
    "a/=1+1.jpg",
    "a/" + "长" * 60 + ".jpg",
]


def manifest(**changes) -> Manifest:
    rows = [
        Row("cat/1.jpg", "cat", "train"),
        Row("cat/2.jpg", "cat", "val"),
        Row("dog/1.jpg", "dog", "train", group="g"),
        Row("dog/2.jpg", "dog", "val", sha256="0" * 64),
    ]
    return Manifest(**{"rows": tuple(rows)} | changes)


def test_round_trip_of_hard_names(tmp_path):
    rows = tuple(Row(path, "种 'x', \"y\"", "train", group="é,;", sha256="ab" * 32) for path in HARD_NAMES)
    written = Manifest(rows, info={"seed": 42, "fractions": [0.7, 0.3]})
    written.write(tmp_path / "split.csv")
    assert Manifest.read(tmp_path / "split.csv") == written
    with (tmp_path / "split.csv").open(encoding="utf-8", newline="") as file:  # and for every other reader
        assert [line["path"] for line in csv.DictReader(file)] == HARD_NAMES
    pandas = pytest.importorskip("pandas")
    assert pandas.read_csv(tmp_path / "split.csv")["path"].tolist() == HARD_NAMES


def test_class_order_is_stored_and_numbers_go_by_name(tmp_path):
    written = manifest(class_names=("dog", "cat", "bird"))
    written.write(tmp_path / "split.csv")
    read = Manifest.read(tmp_path / "split.csv")
    assert read.class_names == ("dog", "cat", "bird")
    assert read.counts() == {"train": {"dog": 1, "cat": 1, "bird": 0}, "val": {"dog": 1, "cat": 1, "bird": 0}}
    (tmp_path / "split.json").unlink()
    assert Manifest.read(tmp_path / "split.csv").class_names == ("cat", "dog")  # then in order of name


def test_class_numbers_do_not_depend_on_which_part_has_which_class():
    """F7: val lacks a class; its labels do not shift."""
    rows = [Row(f"{name}/1.jpg", name, "train") for name in ("ant", "bee", "wasp")]
    rows += [Row("wasp/2.jpg", "wasp", "val")]
    made = Manifest(tuple(rows))
    assert {made.class_names.index(row.label) for row in made.of("val")} == {2}


def test_names_are_in_natural_order_and_one_spelling():
    rows = [Row(f"{n}/1.jpg", n, "train") for n in ("10", "2", "1", "e\u0301")] + [
        Row("x/1.jpg", "\u00e9", "val")
    ]
    assert Manifest(tuple(rows)).class_names == ("1", "2", "10", "\u00e9")


def test_a_spreadsheet_may_save_it(tmp_path):
    """Byte order mark, CRLF, columns in another order, a blank line at the end."""
    text = "label,path,split,sha256,group\r\ncat,cat/1.jpg,train,,\r\ncat,cat/2.jpg,val,,\r\n\r\n"
    (tmp_path / "split.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [row.path for row in Manifest.read(tmp_path / "split.csv").rows] == ["cat/1.jpg", "cat/2.jpg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("path", "cat/1.jpg"), "row 4: the path 'cat/1.jpg' is already in row 1"),
        (("path", "/etc/passwd"), "row 4.*not relative"),
        (("path", "../other/1.jpg"), "row 4.*not relative"),
        (("path", "C:/x.jpg"), "row 4.*not relative"),
        (("path", "dog\\2.jpg"), "row 4.*not relative"),
        (("path", "dog//2.jpg"), "row 4.*plain form, 'dog/2.jpg'"),
        (("path", ""), "row 4"),
        (("path", "dog/\udcff.jpg"), "row 4.*not valid UTF-8"),
        (("path", "dog/2\n.jpg"), "row 4.*control character"),
        (("path", "dog/2\r.jpg"), "row 4.*control character"),
        (("group", "a\nb"), "row 4 .*control character"),
        (("split", "valid"), "row 4 .*split is 'valid'; expected one of train, val, test"),
        (("label", "dgo"), "row 4 .*'dgo' is not a class; classes: 'cat', 'dog'"),
        (("sha256", "xyz"), "row 4 .*64 hex digits"),
    ],
)
def test_a_wrong_row_is_named(change, message):
    rows = list(manifest().rows)
    rows[3] = replace(rows[3], **dict([change]))
    with pytest.raises(ValueError, match=message):
        Manifest(tuple(rows), class_names=("cat", "dog"))


def test_a_class_in_val_that_is_not_in_train_is_refused():
    rows = (*manifest().rows, Row("fox/9.jpg", "fox", "val"))
    with pytest.raises(ValueError, match=r"without a training picture: 'fox'.*row 5 \(fox/9.jpg, val\)"):
        Manifest(rows)
    with pytest.raises(ValueError, match="no row has the split 'train'"):
        Manifest((Row("a/1.jpg", "a", "val"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "path,label,split,group\ncat/1.jpg,cat,train,\n",
            "split.csv: the columns are path, label, split, group",
        ),
        ("path,label,split,group,sha256\ncat/1.jpg,cat,train\n", "split.csv: row 1 has 3 cells"),
        ('path,label,split,group,sha256\n"cat/1.jpg,cat,train,,\n', "split.csv: line"),
        ("path,label,split,group,sha256\n", "split.csv: there are no rows"),
        ("", "split.csv: the columns are"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    (tmp_path / "split.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Manifest.read(tmp_path / "split.csv")


def test_other_encodings_and_broken_json_are_named(tmp_path):
    path = tmp_path / "split.csv"
    path.write_bytes("path,label,split,group,sha256\nd\u00e9/1.jpg,a,train,,\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 2 is not UTF-8"):
        Manifest.read(path)
    manifest().write(path)
    for broken in ("{", "[]", json.dumps({"format": 1, "class_names": "ab"})):
        (tmp_path / "split.json").write_text(broken)
        with pytest.raises(ValueError, match=r"split\.json"):
            Manifest.read(path)
    with pytest.raises(ValueError, match=r"expected a manifest, which is a \.csv file"):
        Manifest.read(tmp_path / "split.json")


def test_repeated_class_names_are_refused():
    for names in (("cat", "dog", "cat"), ("caf\u00e9", "cafe\u0301"), ("cat", " "), ("cat", "a\nb")):
        with pytest.raises(ValueError, match="class name"):
            manifest(class_names=names)


def test_verify_finds_missing_and_changed_files(tmp_path):
    import hashlib

    contents = {"cat/1.jpg": b"one", "cat/2.jpg": b"two", "dog/1.jpg": b"three", "dog/2.jpg": b"four"}
    rows = []
    for row in manifest().rows:
        (tmp_path / row.path).parent.mkdir(exist_ok=True)
        (tmp_path / row.path).write_bytes(contents[row.path])
        rows.append(replace(row, sha256=hashlib.sha256(contents[row.path]).hexdigest()))
    made = Manifest(tuple(rows))
    made.verify(tmp_path)
    (tmp_path / "cat/2.jpg").write_bytes(b"2wo")
    Path(tmp_path / "dog/1.jpg").unlink()
    with pytest.raises(
        ValueError, match=r"2 of 4 files.*row 2: cat/2.jpg has changed.*row 3: dog/1.jpg is missing"
    ):
        made.verify(tmp_path)
    with pytest.raises(ValueError, match=r"1 of 4 files"):
        made.verify(tmp_path, contents=False)


def test_parts_are_asked_for_by_name():
    assert [row.path for row in manifest().of("val")] == ["cat/2.jpg", "dog/2.jpg"]
    with pytest.raises(ValueError, match="split is 'test'; this manifest has train, val"):
        manifest().of("test")
