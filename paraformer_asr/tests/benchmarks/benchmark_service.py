"""24 clients at once: how long an answer takes, how many are turned away, who waits.

`python tests/benchmarks/benchmark_service.py [--checkpoint C] [--json FILE]`

Each round sends 24 files at once to the service as it is, and to the same application
with the model on the event loop, without a queue, as it is often written. Meanwhile
`/healthz` is asked every 20 ms. Servers are processes of their own; one thread each.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.service import launch, worker
from src.service.limits import Limits
from tests.benchmarks.measure import device_info
from tests.benchmarks.rows import ratio_row
from tests.forked import in_fork, kill_group
from tests.served import Running, checkpoint, until, wav


CLIENTS = 24
SIZE = (
    "model.encoder=conformer",
    "model.d_model=64",
    "model.heads=4",
    "model.ff=256",
    "model.encoder_layers=3",
    "model.decoder_layers=2",
    "model.subsampling=4",
    "features.n_mels=40",
)
"""Of the recipe for digits; untrained, which takes as long."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--checkpoint", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    path = given.checkpoint or checkpoint(*SIZE)
    variants = {"service": False, "model on the event loop": True}
    started = {name: serve(path, naive) for name, naive in variants.items()}
    try:
        rows = []
        for seconds in (0.5, 10.0):
            found = {name: [] for name in variants}
            for number in range(given.rounds + 1):  # the first warms up
                for name, (service, _) in started.items():
                    round = one_round(service, wav(seconds))
                    if number:
                        found[name].append(round)
            rows += [summary(name, seconds, found[name]) for name in variants]
    finally:
        for _, pid in started.values():
            kill_group(pid)
    report(rows)
    # The threads of the model, in the servers.
    result = {"device": device_info() | {"threads": 1}, "clients": CLIENTS}
    result |= {"times": rows, "rows": ratio_rows(rows)}
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


def ratio_rows(rows: list[dict]) -> list[dict]:
    """The first variant of each length of audio is ours, the second the rival."""
    return [
        ratio_row(
            f"slowest /healthz, {CLIENTS} clients with {ours['audio_s']:g} s",
            theirs["variant"],
            ours["health_max_ms"],
            theirs["health_max_ms"],
            "wall time",
        )
        for ours, theirs in zip(rows[::2], rows[1::2], strict=True)
    ]


def serve(path: Path, naive: bool) -> tuple[Running, int]:
    """A service of its own process, and its id."""
    place = Path(tempfile.mkdtemp()) / "address"

    async def at_once(self, call, **_):
        return call()

    def run() -> int:
        if naive:
            worker.Worker.run = at_once
        with open(place, "w") as out:
            os.dup2(out.fileno(), 1)
        sys.stdout = open(1, "w", closefd=False)
        limits = Limits(deadline_s=300)
        launch.serve(path, launch.Address(port=0), limits, threads=1)
        return 0

    pid = in_fork(run, limit=1200)
    until(lambda: place.exists() and place.read_text().endswith("\n"))
    service = Running(place.read_text().strip(), None)
    until(lambda: service.get("/readyz").status == 200)
    return service, pid


def one_round(service: Running, audio: bytes) -> dict[str, list]:
    """Seconds of each answer 200, statuses, and seconds that `/healthz` took."""
    health, over = [], threading.Event()

    def watch() -> None:
        while not over.is_set():
            health.append(timed(lambda: service.get("/healthz"))[0])
            over.wait(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [
            pool.submit(timed, lambda: service.post(audio)) for _ in range(CLIENTS)
        ]
        answers = [one.result() for one in asked]
    over.set()
    watching.join()
    return {
        "seconds": [took for took, answer in answers if answer.status == 200],
        "statuses": [answer.status for _, answer in answers],
        "health": health,
    }


def timed(call):
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def summary(name: str, audio_s: float, rounds: list[dict]) -> dict:
    seconds = [s for one in rounds for s in one["seconds"]]
    health = [s for one in rounds for s in one["health"]]
    statuses = [status for one in rounds for status in one["statuses"]]
    return {
        "variant": name,
        "audio_s": audio_s,
        "answers": {str(s): statuses.count(s) for s in sorted({*statuses})},
        "share_503": statuses.count(503) / len(statuses),
        "p50_s": statistics.median(seconds),
        "max_s": max(seconds),
        "health_asked": len(health),
        "health_p50_ms": 1000 * statistics.median(health),
        "health_max_ms": 1000 * max(health),
    }


def report(rows: list[dict]) -> None:
    print(f"{CLIENTS} clients at once, 1 thread for the model")
    print("audio  variant                   p50 s  max s  503   /healthz p50, max ms")
    for row in rows:
        print(
            f"{row['audio_s']:4g} s  {row['variant']:24}  {row['p50_s']:5.2f}  "
            f"{row['max_s']:5.2f}  {row['share_503']:4.0%}  "
            f"{row['health_p50_ms']:8.1f}, {row['health_max_ms']:.0f}"
        )


if __name__ == "__main__":
    main()
