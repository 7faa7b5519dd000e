import io

from course_utils.notebooks.progress import Progress, show_bytes, show_seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(text: str) -> list[str]:
    """Give the lines that a terminal would show after `text`."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


def test_a_terminal_shows_one_line_per_notebook():
    terminal = Terminal()
    progress = Progress(2, terminal)
    progress.say("Profile smoke")
    for name in ("01_a_long_name", "02_b"):
        progress.start(name)
        for number in range(1, 13):
            progress.cell(number, 12)
            progress.tick()
        assert screen(terminal.getvalue())[-1].endswith("cell 12 of 12  0:00")
        progress.end("ok")
    progress.say("details")
    assert screen(terminal.getvalue()) == [
        "Profile smoke",
        "[1/2] 01_a_long_name  ok, 0:00",
        "[2/2] 02_b  ok, 0:00",
        "details",
        "",
    ]


def test_a_narrow_terminal_is_not_overfilled(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    progress = Progress(1, terminal)
    progress.start("01_" + "long_" * 20)
    progress.cell(1, 1)
    assert max(map(len, terminal.getvalue().split("\r"))) == 39


def test_a_log_gets_a_line_at_the_start_each_quarter_and_the_end():
    log = io.StringIO()
    progress = Progress(1, log)
    progress.start("01_a")
    for number in range(1, 41):
        progress.cell(number, 40)
        progress.tick()
    progress.end("failed in cell 40 of 40")
    assert log.getvalue().splitlines() == [
        "[1/1] 01_a ...",
        "[1/1] 01_a  cell 11 of 40, 0:00",
        "[1/1] 01_a  cell 21 of 40, 0:00",
        "[1/1] 01_a  cell 31 of 40, 0:00",
        "[1/1] 01_a  failed in cell 40 of 40, 0:00",
    ]


def test_times_and_sizes_are_short():
    assert [show_seconds(seconds) for seconds in (0, 59.4, 59.6, 3601)] == ["0:00", "0:59", "1:00", "60:01"]
    assert [show_bytes(size) for size in (56_000_000, 999_000_000, 1_250_000_000)] == [
        "56 MB",
        "999 MB",
        "1.2 GB",
    ]
