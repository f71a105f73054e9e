"""The benchmark of the scan runs, cleans up, and finds the same coefficients; the model of its cost is consistent."""

import pytest

from benchmarks import scan


def test_the_benchmark_runs_small_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scan, "SAMPLE", 4000)
    monkeypatch.setattr(scan, "RESULTS", tmp_path / "scan.json")
    (tmp_path / "work").mkdir()
    scan.main(["--rows", "20000", "--columns", "6", "--rounds", "1", "--folder", str(tmp_path / "work"), "--save"])
    assert "of the time (1.5 allowed)" in capsys.readouterr().out
    assert list((tmp_path / "work").iterdir()) == []
    found = (tmp_path / "scan.json").read_text()
    assert '"largest_difference"' in found
    with pytest.raises(SystemExit, match="GB are needed"):
        scan.main(["--rows", str(10**14), "--folder", str(tmp_path / "work")])
