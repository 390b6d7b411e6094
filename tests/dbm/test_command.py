"""`redouble dbm`."""

from __future__ import annotations

import dbm.dumb
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import redouble.cli
import redouble.dbm
from redouble.dbm.command import main

from .samples import SEMIDBM


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[f"key{number}"] = f"välue {number}"
        for number in range(50):
            db[f"key{number}"] = b"\xff\0%d" % number
        del db["key99"]
    return tmp_path / "db"


def content(path: Path) -> dict[bytes, bytes]:
    with redouble.dbm.open(path) as db:
        return dict(db.items())


def test_info_says_what_is_in_it(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", database) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["keys"] == "99"
    assert int(lines["bytes"].replace(",", "")) > int(lines["dead"].replace(",", "")) > 1000


def test_info_of_a_database_of_semidbm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").write_bytes(SEMIDBM + b"\0\0")
    assert run("info", tmp_path) == 0
    out = capsys.readouterr().out
    assert "semidbm" in out
    assert "2 bytes of an unfinished append" in out


def test_verify_and_salvage(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", database) == 0
    assert "99 keys" in capsys.readouterr().out
    before = content(database)
    [log] = database.glob("*.log")
    data = bytearray(log.read_bytes())
    data[data.index(b"\xff\x007")] ^= 1  # of key7
    log.write_bytes(data)
    assert run("verify", database) == 1
    assert "no record begins here" in capsys.readouterr().out
    assert run("salvage", database, tmp_path / "new") == 0
    assert "99 keys saved, 1 findings" in capsys.readouterr().out
    assert content(tmp_path / "new") == before | {b"key7": "välue 7".encode()}
    assert run("salvage", database, tmp_path / "new") == 1


def test_what_is_torn_is_no_damage(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [log] = database.glob("*.log")
    log.write_bytes(log.read_bytes() + b"torn")
    assert run("verify", database) == 0
    assert "(not damage)" in capsys.readouterr().out


def test_compact_gives_space_back(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(database)
    assert run("compact", database) == 0
    assert content(database) == before
    assert run("info", database) == 0
    assert "dead      0" in capsys.readouterr().out


def test_dump_and_load(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dump", database, "--output", tmp_path / "dump") == 0
    assert run("load", tmp_path / "copy", "--input", tmp_path / "dump") == 0
    assert content(tmp_path / "copy") == content(database)
    assert capsys.readouterr().out == "99 keys loaded\n"
    assert run("dump", database) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["key60", "välue 60"] in lines
    assert ["key0", {"base64": "/wAw"}] in lines


@pytest.mark.parametrize("line", ["[1, 2]", "nonsense", '["a"]', '["a", {"base64": "!"}]'])
def test_load_says_which_line_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (tmp_path / "dump").write_text(f'["a", "b"]\n{line}\n')
    with open(tmp_path / "dump") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run("load", tmp_path / "db") == 1
    assert "line 2:" in capsys.readouterr().err


def test_import_from_the_standard_library_and_semidbm(tmp_path: Path) -> None:
    with dbm.dumb.open(str(tmp_path / "old"), "c") as old:
        old["a"] = b"\xff"
    (tmp_path / "semi").mkdir()
    (tmp_path / "semi" / "data").write_bytes(SEMIDBM)
    assert run("import", tmp_path / "old", tmp_path / "db") == 0
    assert run("import", tmp_path / "semi", tmp_path / "db") == 0
    assert content(tmp_path / "db") == {b"a": b"\xff", b"one": b"1", b"empty": b""}


def test_what_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["info"], ["verify"], ["dump"], ["compact"], ["salvage", tmp_path / "new"]):
        assert run(words[0], tmp_path / "nosuch", *words[1:]) == 1
        assert "there is no database" in capsys.readouterr().err
    assert run("import", tmp_path / "nosuch", tmp_path / "db") == 1
    with pytest.raises(SystemExit):
        run()


def test_progress_is_shown_on_a_terminal(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run("verify", database) == 0
    assert run("compact", database) == 0
    assert "verify [##############################] 100% \n" in terminal.getvalue()


def test_a_module_that_is_imported_runs_nothing() -> None:
    import redouble.dbm.__main__

    assert redouble.dbm.__main__.main is main


def test_both_commands_are_the_same(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert redouble.cli.main(["dbm", "info", str(database)]) == 0
    here = capsys.readouterr().out
    words = [sys.executable, "-m", "redouble.dbm", "info", str(database)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == here


def test_a_reader_that_has_seen_enough(database: Path) -> None:
    with redouble.dbm.open(database, "w") as db:
        for number in range(20_000):
            db[str(number)] = b"x" * 50
    words = [sys.executable, "-m", "redouble.dbm", "dump", str(database)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_progress_of_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("redouble.dbm.command._PIECE", 10)
    with redouble.dbm.open(tmp_path / "db", "c") as db:
        for number in range(100):
            db[f"key{number % 40}"] = f"value {number}"
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    for words in (
        ["compact", tmp_path / "db"],
        ["dump", tmp_path / "db", "--output", tmp_path / "dump"],
        ["load", tmp_path / "copy", "--input", tmp_path / "dump"],
        ["import", tmp_path / "db", tmp_path / "imported"],
        ["salvage", tmp_path / "db", tmp_path / "salvaged"],
    ):
        assert run(*words) == 0
    for what in ("compact", "dump", "load", "import", "salvage"):
        assert f"{what} [##############################] 100%" in terminal.getvalue()
    for name in ("copy", "imported", "salvaged"):
        assert content(tmp_path / name) == content(tmp_path / "db")


def test_verify_of_a_damaged_database_of_semidbm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(SEMIDBM)
    data[20] ^= 1
    (tmp_path / "data").write_bytes(data)
    assert run("verify", tmp_path) == 1
    assert "byte 8: no record begins here" in capsys.readouterr().out
    assert run("info", tmp_path) == 1
    (tmp_path / "data").write_bytes(SEMIDBM)
    assert run("verify", tmp_path) == 0
    assert "2 keys, 5 records, 90 bytes: sound" in capsys.readouterr().out
    (tmp_path / "data").write_bytes(SEMIDBM[:-1])
    assert run("verify", tmp_path) == 0
    assert "not damage" in capsys.readouterr().out
