"""`epigate assist`: a list is looked at where it lies, and an empty one is written (C6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from resolvers.assist.sheets import read_sheet


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["assist", *(str(one) for one in arguments)])
    printed = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), printed.out, printed.err


def test_what_of_a_list_can_be_taken_is_told_by_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("姓名,电话,血型\n王芳,15400000001,A\n李强,12,\n王芳,154 0000 0001,\n", "utf-8")
    code, out, _ = run(capsys, "check", file)
    assert code == 1
    assert "line 3, 电话: a phone number has 5 to 20 digits | 电话号码" in out
    assert "line 4: the same person as line 2" in out
    assert "column 血型: not known" in out
    assert "2 of 3 people can be taken" in out
    assert "王芳" not in out
    file.write_text("姓名\n王芳\n", "utf-8")
    assert run(capsys, "check", file)[:2] == (0, "1 of 1 people can be taken\n")


def test_what_is_no_list_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04")
    for name in ("x.xlsx", "missing.csv"):
        code, _, said = run(capsys, "check", tmp_path / name)
        assert code == 1
        assert "SHEET_UNREADABLE" in said


@pytest.mark.parametrize("name", ["list.xlsx", "list.csv"])
def test_a_template_is_written_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    assert run(capsys, "template", tmp_path / name)[0] == 0
    assert read_sheet((tmp_path / name).read_bytes()).header[0] == "姓名 Name"
    code, _, said = run(capsys, "template", tmp_path / name)
    assert code == 1
    assert "SHEET_UNREADABLE" in said
