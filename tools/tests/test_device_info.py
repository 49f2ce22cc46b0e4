"""This machine, other machines as text, and what is advised for them."""

import os

import pytest

from tools import machine
from tools.advice import gpu_bandwidth, peak, recommend
from tools.machine import Cpu, Limits, flops_a_cycle, parse_cpuinfo, read_limits
from tools.speed import Row
from tools.tests.fake import write


X86 = """processor\t: {n}
vendor_id\t: {vendor}
cpu family\t: {family}
model name\t: {model}
cpu MHz\t\t: 2500.000
physical id\t: {socket}
core id\t\t: {core}
flags\t\t: fpu sse2 {flags}
"""
ARM = """processor\t: {n}
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm sve bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def x86(cores, flags, vendor="GenuineIntel", family=6):
    """Two sockets with two threads a core."""
    return "\n".join(
        X86.format(
            n=n,
            socket=n % 2,
            core=n // 4,
            vendor=vendor,
            family=family,
            model="Chip 9000",
            flags=flags,
        )  # fmt: skip
        for n in range(4 * cores)
    )


def facts(rows=(), cpu=None, **changes):
    """A machine without fault: 4 cores, fp32 at 100 GFLOP/s."""
    whole = {
        "cpu": cpu or Cpu("chip", "GenuineIntel", 6, ("avx2", "fma"), 2000, 4, 4),
        "usable": 4,
        "memory": {"total": 16 << 30, "available": 8 << 30},
        "load": 0.1,
        "governor": "",
        "driver": "acpi-cpufreq",
        "nvidia": False,
        "environment": {},
        "torch_threads": 4,
        "torch_level": "AVX2",
        "gpu": {},
        "thread_rates": {1: 30.0, 2: 60.0, 4: 100.0},
        "rows": list(rows) or [row("fp32", 100)],
        "bandwidth": {"copy": 10.0, "triad": 9.0},
        "without": None,
    }
    return whole | changes


def row(dtype, gflops, device="cpu", size=1024, library="torch"):
    return Row(device, library, dtype, 4, size, 2 * size**3 / gflops / 1e9)


@pytest.mark.spec("WSP-175", "of x86 and Arm")
def test_cpuinfo_of_x86_counts_cores_by_socket():
    cpu = parse_cpuinfo(x86(3, "avx avx2 fma avx512f avx512_bf16 amx_bf16"))
    assert (cpu.logical, cpu.physical, cpu.mhz, cpu.family) == (12, 6, 2500, 6)
    assert cpu.model == "Chip 9000" and cpu.vendor == "GenuineIntel"
    assert cpu.features == ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16")


@pytest.mark.spec("WSP-175", "of x86 and Arm")
def test_cpuinfo_of_arm_names_maker_and_part():
    cpu = parse_cpuinfo("\n".join(ARM.format(n=n) for n in range(4)))
    assert (cpu.model, cpu.logical, cpu.physical) == ("Arm part 0xd40", 4, 4)
    assert cpu.features == ("asimd", "bf16", "sve") and cpu.mhz == 0
    old = "Processor : ARMv7\nprocessor : 0\n\nFeatures : neon\nHardware : Board\n"
    assert parse_cpuinfo(old).model == "Board"
    assert parse_cpuinfo("") == Cpu()


@pytest.mark.spec("WSP-178", "cores x clock x operations a cycle")
@pytest.mark.parametrize(
    "features, vendor, family, fp32, bf16",
    [
        ("avx avx2 fma avx512f", "GenuineIntel", 6, 64, 0),
        ("avx avx2 fma avx512f avx512_bf16 amx_bf16", "GenuineIntel", 6, 64, 2048),
        ("avx avx2 fma avx512f avx512_bf16", "AuthenticAMD", 26, 64, 128),
        ("avx avx2 fma avx512f avx512_bf16", "AuthenticAMD", 25, 32, 64),
        ("avx avx2 fma", "AuthenticAMD", 23, 32, 0),
        ("avx", "GenuineIntel", 6, 16, 0),
        ("asimd bf16", "Arm", 0, 16, 32),
        ("", "GenuineIntel", 6, 0, 0),
    ],
)
def test_operations_a_cycle(features, vendor, family, fp32, bf16):
    cpu = Cpu(vendor=vendor, family=family, features=tuple(features.split()))
    assert (flops_a_cycle(cpu, "fp32"), flops_a_cycle(cpu, "bf16")) == (fp32, bf16)


@pytest.mark.spec("WSP-178", "nothing is said where one of them is not known")
def test_the_peak():
    assert peak(facts(), row("fp32", 1)) == 4 * 2.0 * 32
    assert peak(facts(usable=2), row("fp32", 1)) == 2 * 2.0 * 32
    assert peak(facts(), row("bf16", 1)) == 0
    assert peak(facts(cpu=Cpu(features=("avx",), physical=4)), row("fp32", 1)) == 0


@pytest.mark.spec("WSP-178", "nothing is said where one of them is not known")
@pytest.mark.spec("WSP-184", "beside that of its data sheet where it is known")
@pytest.mark.parametrize(
    "name, products, memory",
    [
        ("NVIDIA H200", 989.4, 4.8),
        ("NVIDIA A100-SXM4-80GB", 312.0, 2.039),
        ("NVIDIA L4", 121.0, 0.3),
        ("NVIDIA L40S", 0, 0),
        ("NVIDIA GeForce RTX 3090 Ti", 0, 0),
        ("Radeon", 0, 0),
    ],
)
def test_what_a_gpu_should_reach(name, products, memory):
    found = facts(gpu={"kind": "cuda", "name": name})
    assert peak(found, row("bf16", 1, "cuda")) == 1000 * products
    assert gpu_bandwidth(found) == 1000 * memory


@pytest.mark.spec("WSP-176", "limits of control groups of version 1 and 2")
def test_limits_of_control_groups(tmp_path):
    write(tmp_path / "a/b/cpu.max", "max 100000\n")
    write(tmp_path / "a/cpu.max", "250000 100000\n")
    write(tmp_path / "a/b/memory.max", f"{3 << 30}\n")
    write(tmp_path / "memory.max", "max\n")
    assert read_limits(tmp_path, "0::/a/b\n") == Limits(2.5, 3 << 30)
    write(tmp_path / "cpu,cpuacct/x/cpu.cfs_quota_us", "150000")
    write(tmp_path / "cpu,cpuacct/x/cpu.cfs_period_us", "100000")
    write(tmp_path / "cpu,cpuacct/cpu.cfs_quota_us", "-1")
    write(tmp_path / "cpu,cpuacct/cpu.cfs_period_us", "100000")
    write(tmp_path / "memory/memory.limit_in_bytes", f"{1 << 62}")
    write(tmp_path / "memory/x/memory.limit_in_bytes", "5000")
    groups = "4:memory:/x\n1:cpu,cpuacct:/x\n0::/\n"
    assert read_limits(tmp_path, groups) == Limits(1.5, 5000)
    assert read_limits(tmp_path, "4:memory:/\n") == Limits()
    assert read_limits(tmp_path / "none", groups) == Limits()


@pytest.mark.spec("WSP-176", "bound the cores and the memory")
def test_limits_bound_cores_and_memory(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    cpu = Cpu(logical=8)
    assert machine.usable_cpus(cpu, Limits()) == 3
    assert machine.usable_cpus(cpu, Limits(cpus=2.0)) == 2
    assert machine.usable_cpus(cpu, Limits(cpus=1.75)) == 1
    assert machine.usable_cpus(cpu, Limits(cpus=0.2)) == 1
    assert machine.read_memory(Limits(memory=5000)) == {
        "total": 5000,
        "available": 5000,
    }
    assert machine.read_memory(Limits())["total"] > 1 << 28


@pytest.mark.spec("WSP-179", "measured to be the fastest")
def test_advice_follows_the_measurements():
    plain = recommend(facts())
    assert (plain["device"], plain["precision"], plain["threads"]) == ("cpu", "fp32", 4)
    assert plain["environment"] == {"OMP_NUM_THREADS": "4"}
    assert plain["unset"] == plain["warnings"] == []
    few = recommend(facts(thread_rates={1: 30.0, 2: 95.0, 4: 100.0, 8: 80.0}))
    assert few["threads"] == 2
    assert recommend(facts(thread_rates={}))["threads"] == 4
    gpu = [row("fp32", 900, "cuda"), row("bf16", 5000, "cuda")]
    fast = recommend(facts([row("fp32", 100), row("bf16", 50), *gpu]))
    assert (fast["device"], fast["precision"]) == ("cuda", "bf16")
    own = [row("fp32", 9, "cuda"), row("bf16", 90, "cuda")]
    assert recommend(facts([row("fp32", 100), *own]))["precision"] == "fp32"
    slow = recommend(facts([row("fp32", 100), row("fp32", 60, "mps")]))
    assert slow["device"] == "cpu"


@pytest.mark.spec("WSP-179", "bf16 only where it is at least 1.2 times as fast")
@pytest.mark.parametrize("bf16, taken", [(119, "fp32"), (121, "bf16")])
def test_bf16_is_taken_by_the_largest_size_that_has_both(bf16, taken):
    small = [row("fp32", 100, size=512), row("bf16", 10, size=512)]
    large = [row("fp32", 100), row("bf16", bf16)]
    skipped = Row("cpu", "torch", "bf16", 4, 2048, None)
    rows = [*small, *large, row("fp32", 90, size=2048), skipped]
    assert recommend(facts(rows))["precision"] == taken


SLOWED = {
    "variables": {"OPENBLAS_CORETYPE": "Haswell"},
    "with": {"numpy": 50.0, "torch": 90.0},
    "without": {"numpy": 100.0, "torch": 90.0},
}


@pytest.mark.spec("WSP-181", "Said is what makes it slow")
@pytest.mark.parametrize(
    "change, said",
    [
        ({"load": 3.0}, "other processes keep 3.0 of 4 cores busy"),
        ({"without": SLOWED}, "OPENBLAS_CORETYPE=Haswell; without: numpy 50 -> 100"),
        (
            {"torch_threads": 1, "environment": {"OMP_NUM_THREADS": "1"}},
            "torch uses 1 of 4 cores (OMP_NUM_THREADS=1)",
        ),
        ({"torch_threads": 8}, "8 threads on 4 cores"),
        ({"usable": 2, "torch_threads": 2}, "of 4 cores only 2 are given"),
        ({"memory": {"total": 1, "available": 1 << 30}}, "only 1.0 GiB"),
        ({"torch_level": "DEFAULT"}, "torch uses DEFAULT on a processor that has AVX2"),
        ({"rows": [row("fp32", 100), row("bf16", 20)]}, "bf16 is slower"),
        ({"governor": "powersave"}, "the clock is held low"),
        ({"nvidia": True}, "there is an NVIDIA driver"),
    ],
)
def test_what_makes_it_slow_is_said(change, said):
    (warning,) = recommend(facts(**change))["warnings"]
    assert said in warning


@pytest.mark.spec("WSP-181", "a low clock")
@pytest.mark.parametrize("driver", ["intel_pstate", "amd-pstate-epp"])
def test_powersave_is_the_normal_governor_of_some(driver):
    found = facts(governor="powersave", driver=driver)
    assert recommend(found)["warnings"] == []
