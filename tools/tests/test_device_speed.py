"""Measuring, with sizes that take no time, and what is printed."""

import json
import sys
import types

import pytest

from tools import device_info, speed
from tools.device_info import main
from tools.speed import Row, best_of, short_rates, without_variables


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(speed, "ENOUGH", 1e-4)


@pytest.fixture
def small(monkeypatch):
    """Sizes that take no time, and an environment without settings."""
    monkeypatch.setattr(speed, "SIZES", (16, 256))
    monkeypatch.setattr(speed, "largest_cache", lambda: 1 << 10)
    monkeypatch.setattr(speed, "without_variables", lambda _: None)
    monkeypatch.setattr(device_info, "handle_signals", lambda: None)


@pytest.mark.spec("WSP-177", "numpy and torch, fp32 and bf16")
def test_the_table_has_every_product(small, capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    (start,) = (i for i, line in enumerate(lines) if line.startswith("device "))
    rows = [line.split() for line in lines[start + 2 : start + 8]]
    kinds = [("numpy", "fp32"), ("torch", "fp32"), ("torch", "bf16")]
    wanted = [["cpu", *kind, size] for kind in kinds for size in ("16", "256")]
    assert [[*row[:3], row[4]] for row in rows] == wanted
    assert all(float(row[6]) > 0 for row in rows[1::2])
    assert "an estimate" in lines[start - 1]
    assert any(
        line.startswith("take    --device cpu train.precision=") for line in lines
    )


@pytest.mark.spec("WSP-177", "would take too long is skipped and marked")
def test_a_size_that_would_take_too_long_is_skipped(monkeypatch):
    monkeypatch.setattr(speed, "LONGEST", 1e-12)
    rows = list(speed.numpy_rows([16, 32, 64]))
    assert [row.seconds is None for row in rows] == [False, True, True]
    cells = device_info._cells(
        {"rows": rows, "cpu": device_info.machine.Cpu(), "usable": 1}
    )
    assert cells[1][-3:] == ["-", "-", "-"] and cells[0][-1] == "-"


@pytest.mark.spec("WSP-177", "time and GFLOP/s")
def test_gflops_count_a_multiplication_and_an_addition():
    assert Row("cpu", "numpy", "fp32", 1, 1000, 0.5).gflops == 4.0
    assert Row("cpu", "numpy", "fp32", 1, 1000, None).gflops is None


def test_the_best_of_several_times(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    calls = []
    assert best_of(lambda: calls.append(1), 8.0) == 2.0
    assert len(calls) == 4  # one to warm up


def test_the_number_of_threads_is_put_back():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    rates = speed.thread_rates(2, size=16)
    assert sorted(rates) == [1, 2] and torch.get_num_threads() == 1
    torch.set_num_threads(before)
    assert sorted(speed.thread_rates(3, size=16)) == [1, 2, 3]


@pytest.mark.parametrize(
    "given, threads",
    [
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "2"}, 1),
        ({"OMP_NUM_THREADS": "99"}, 3),
        ({"OMP_NUM_THREADS": "many"}, 3),
        ({}, 3),
    ],
)
def test_threads_of_numpy(monkeypatch, given, threads):
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        speed.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False
    )
    (row,) = speed.numpy_rows([16])
    assert row.threads == threads
    monkeypatch.setattr(speed, "numpy_blas", lambda: {"name": "mkl-sdl"})
    with_mkl = int(given.get("MKL_NUM_THREADS", 0))
    assert not with_mkl or speed._numpy_threads() == with_mkl


@pytest.mark.spec("WSP-184", "counted as in STREAM")
def test_bandwidth_counts_what_is_read_and_written(monkeypatch):
    monkeypatch.setattr(speed, "largest_cache", lambda: 16 << 20)
    monkeypatch.setattr(speed, "best_of", lambda function, _: function() or 1.0)
    found = speed.bandwidth()
    one = 4 * (16 << 20) / 1e9
    assert found == {"copy": pytest.approx(2 * one), "triad": pytest.approx(3 * one)}


@pytest.mark.spec("WSP-184", "of a GPU that of a copy in its own memory")
def test_the_copy_of_a_gpu(monkeypatch):
    monkeypatch.setattr(speed, "GPU_FLOATS", 1000)
    monkeypatch.setattr(speed, "best_of", lambda function, _: function() and 2.0)
    assert speed.gpu_copy("cpu") == pytest.approx(4e-6)  # 4000 bytes read and written


@pytest.mark.spec("WSP-184", "beside that of its data sheet where it is known")
@pytest.mark.parametrize("name, of", [("NVIDIA H200", " of 4800"), ("Radeon", "")])
def test_a_gpu_beside_its_data_sheet(small, monkeypatch, capsys, name, of):
    gpu = {"kind": "cpu", "name": name, "about": "139 GiB"}  # stands in for one
    told = {"torch_threads": 1, "torch_level": "", "gpu": gpu}
    monkeypatch.setattr(device_info, "_torch_facts", lambda: told)
    monkeypatch.setattr(speed, "gpu_copy", lambda kind: 4100.4)
    assert main([]) == 0
    out = capsys.readouterr().out
    assert f"gpu     {name} 139 GiB; copies 4100 GB/s{of}\n" in out


@pytest.mark.spec("WSP-180", "measured again in a process without them")
def test_variables_are_compared_with_a_process_without_them(monkeypatch):
    for name in list(speed.os.environ):
        if name.startswith(speed.SLOWING):
            monkeypatch.delenv(name)
    assert without_variables(False) is None
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    seen = {}

    def run(command, env, **_):
        seen.update(env)
        return types.SimpleNamespace(returncode=0, stdout='{"numpy": 7.0}')

    monkeypatch.setattr(speed.subprocess, "run", run)
    monkeypatch.setattr(speed, "short_rates", lambda _: {"numpy": 3.0})
    found = without_variables(False)
    assert found["variables"] == {"OPENBLAS_CORETYPE": "Haswell"}
    assert found["with"] == {"numpy": 3.0} and found["without"] == {"numpy": 7.0}
    assert "OPENBLAS_CORETYPE" not in seen and seen["OPENBLAS_NUM_THREADS"] == "1"


def test_the_other_process_measures(monkeypatch):
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    found = without_variables(False)
    assert found["without"]["numpy"] > 0 and set(found["with"]) == {"numpy"}
    assert set(short_rates(True)) == {"numpy", "torch"}


@pytest.mark.spec("WSP-182", "Without torch it measures numpy alone")
def test_without_torch(small, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["library"] for row in found["rows"]} == {"numpy"}
    assert "torch" not in found["versions"] and found["thread_rates"] == {}
    assert found["recommended"]["precision"] == "fp32"


@pytest.mark.spec("WSP-183", "has all of it")
def test_json_and_markdown(small, capsys):
    assert main(["--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert set(found["versions"]) >= {"python", "numpy", "blas", "torch"}
    assert found["cpu"]["logical"] >= found["usable"] >= 1
    assert found["rows"][0]["gflops"] > 0 and "peak" in found["rows"][0]
    assert "measuring: numpy" in err
    assert main(["--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| device | library |") and len(lines) == 10
    assert all(line.count("|") == 9 for line in lines[:8])
    assert lines[-1].startswith("Measured on ")


def test_a_gpu_is_described(monkeypatch):
    torch = pytest.importorskip("torch")
    one = types.SimpleNamespace(
        name="NVIDIA H200", total_memory=139 << 30, major=9, minor=0
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: one)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    gpu = device_info._torch_facts()["gpu"]
    assert gpu["kind"] == "cuda" and gpu["about"].startswith("139 GiB, capability 9.0")


def test_ctrl_c_is_quiet(small, monkeypatch, capsys):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(device_info, "measure", stop)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "stopped\n")
