"""The benchmark of the scan runs, cleans up, and finds the same coefficients; the model of its cost is consistent."""

import json

import pytest

from benchmarks import scan, scan_glm, scan_model


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


def test_the_benchmark_of_passes_runs_small(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scan_glm, "SAMPLE", 2000)
    monkeypatch.setattr(scan_glm, "RESULTS", tmp_path / "scan_glm.json")
    (tmp_path / "work").mkdir()
    scan_glm.main(["--rows", "3000", "--columns", "4", "--folder", str(tmp_path / "work"), "--save"])
    assert "of the processors' time, in 4 passes" in capsys.readouterr().out
    assert list((tmp_path / "work").iterdir()) == []
    assert json.loads((tmp_path / "scan_glm.json").read_text())["largest_difference"] < 1e-5


KNOWN = scan_model.Constants(read=1e-9, arrange=5e-9, multiply=5e-11)


def test_one_simulated_core_takes_what_its_pieces_take():
    one = scan_model.simulated(KNOWN, 10**8, 50, 10, 1)
    assert one == pytest.approx(200 * scan_model.piece_seconds(KNOWN, 500_000, 50), rel=0.15)


def test_simulated_clusters_are_never_faster_than_their_cores_storage_and_scheduler():
    for cores in (1, 8, 64, 1024):
        took = scan_model.simulated(KNOWN, 10**9, 50, 10, cores)
        alone = scan_model.simulated(KNOWN, 10**9, 50, 10, 1)
        assert took >= 0.95 * alone / cores
        assert took >= 10**9 * 51 * 8 / KNOWN.storage
        assert took >= 2000 * 2 * KNOWN.task
    assert scan_model.tally_bytes(50, 10) == 10 * 51 * 51 * 8
