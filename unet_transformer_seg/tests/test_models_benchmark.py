import json

import pytest

from tests.benchmarks import benchmark_step


def test_benchmark_writes_its_figures(tmp_path, capsys):
    path = tmp_path / "step.json"
    tiny = "--batch 2 --side 32 --width 4 --rounds 1 --threads 1".split()
    assert benchmark_step.main([*tiny, "--json", str(path)]) == 0
    result = json.loads(path.read_text())
    assert set(result) == {
        *("device", "options", "models", "ratios", "contracts_percent", "attention"),
        "rows",
    }
    assert {"plain", "plain, tuned", "ours"} <= set(result["models"])
    assert set(result["models"]["ours"]) == {
        *("cpu_s", "wall_s", "saved_mib", "parameters")
    }
    assert result["device"]["threads"] == 1
    # Exact on every machine, unlike a time.
    assert result["ratios"]["ours / plain"]["parameters"] == 1
    assert result["ratios"]["ours / plain"]["saved_mib"] < 1
    row = result["rows"][1]
    assert (row["component"], row["quantity"]) == (
        "training step of the U-Net",
        "memory",
    )
    assert row["rival"] == "plain U-Net"
    assert row["ratio"] == result["ratios"]["ours / plain"]["saved_mib"]
    assert "ours / plain" in capsys.readouterr().out


def test_benchmark_explains_itself(capsys):
    with pytest.raises(SystemExit) as stop:
        benchmark_step.main(["--help"])
    assert stop.value.code == 0
    assert "--json PATH" in capsys.readouterr().out


def test_benchmark_refuses_a_side_that_the_plain_model_cannot_take(capsys):
    with pytest.raises(SystemExit) as stop:
        benchmark_step.main(["--side", "40"])
    assert stop.value.code == 2
    assert "--side 40 is not a multiple of 16" in capsys.readouterr().err
