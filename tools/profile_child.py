"""Runs a Python program and notes a hundred times a second what it is doing.

    python profile_child.py SAMPLES START (SCRIPT | -m MODULE) [ARGUMENT...]

A second thread looks at the stack of the main one. Which phase of a training that is
can be told by names that every training program has: a call of `backward`, a file below
`data/`. So nothing is imported from what is looked at, and it may be built on torch or
not. A line of SAMPLES: seconds since START, CPU-seconds, KiB in memory, CPU-seconds of
this thread, phase; or `peak` and `gpu`, KiB at most so far. Needs only Python: it runs
as a file, without `tools`.
"""

import atexit
import os
import re
import runpy
import sys
import threading
import time
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import NoReturn


INTERVAL = 0.01  # seconds
PAGE = os.sysconf("SC_PAGE_SIZE") // 1024 if hasattr(os, "sysconf") else 4  # KiB
KEPT = 20  # samples in memory: what a killed run has not written
IMPORT = "<frozen importlib"
HERE = os.getcwd().replace(os.sep, "/") + "/"  # the sub-project

# Phase, names of functions, files; the outermost call that fits a line decides. The
# forward pass inside an evaluation is evaluation, a dataset in a loader is data.
RULES = [
    (phase, re.compile(function), re.compile(file))
    for phase, function, file in [
        ("evaluation", r"evaluate|validate", r""),
        ("writing", r"(draw|save|write)(_.*)?|curves", r""),
        ("writing", r".*", r"^matplotlib/"),
        ("data", r".*", r"^src/data/|^torch/utils/data/"),
        ("data", r"_?to_device", r""),
        ("backward", r"backward", r""),
        ("optimiser", r".*", r"^(src|torch)/(.*/)?(optim|clip_grad)"),
        ("forward", r"forward|_?loss|_call_impl", r""),
        ("forward", r"__call__", r"^src/(.*/)?(nn|models|losses)/"),
    ]
]


def phase_of(frame: FrameType | None, known: dict) -> str:
    """The phase of a stack; `import` wherever it is in the middle of one."""
    phase = "rest"
    while frame is not None:
        code = frame.f_code
        if id(code) not in known:  # equal code may be of another file; keeps it alive
            known[id(code)] = (_phase_of_code(code), code)
        here = known[id(code)][0]
        if here == "import":
            return here
        phase = here or phase
        frame = frame.f_back
    return phase


def _phase_of_code(code: CodeType) -> str:
    file = code.co_filename.replace(os.sep, "/")
    if file.startswith(IMPORT):
        return "import"
    file = file.removeprefix(HERE).rpartition("/site-packages/")[2]
    for phase, function, path in RULES:
        if function.fullmatch(code.co_name) and path.search(file):
            return phase
    return ""


class Sampler(threading.Thread):
    """Looks at the main thread until the program ends."""

    def __init__(self, path: str, start: float):
        super().__init__(name="profile", daemon=True)
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.memory = _open_memory()
        self.zero, self.own, self.lines = start, 0.0, []
        self.main, self.pid = threading.main_thread().ident, os.getpid()
        self.ended = threading.Event()

    def run(self) -> None:
        known: dict = {}
        while not self.ended.wait(INTERVAL):
            self.own = time.thread_time()
            self.note(phase_of(sys._current_frames().get(self.main), known))

    def note(self, phase: str) -> None:
        now, cpu = time.monotonic() - self.zero, time.process_time() - self.own
        memory = self.memory_now()
        self.lines.append(f"{now:.6f} {cpu:.6f} {memory} {self.own:.6f} {phase}\n")
        if len(self.lines) >= KEPT:
            self.write()

    def memory_now(self) -> int:
        """KiB of this process; without /proc the most that it has had."""
        if self.memory is None:
            return _peak()
        return int(os.pread(self.memory, 99, 0).split()[1]) * PAGE

    def write(self) -> None:
        self.lines.append(f"peak {_peak()}\n")
        os.write(self.file, "".join(self.lines).encode())
        self.lines.clear()

    def end(self) -> None:
        if os.getpid() == self.pid:  # not in a copy that the program made of itself
            self.ended.set()
            self.join()
            self.note("rest")
            self.lines.append(f"gpu {_gpu_memory()}\n")
            self.write()


def _open_memory() -> int | None:
    """The file in which Linux tells the size of this process; None elsewhere."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None


def _peak() -> int:
    """KiB at most: of Linux, whose own count begins before exec, from /proc."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])
    except (OSError, TypeError):  # gVisor's file has no such line
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most  # bytes there


def _gpu_memory() -> int:
    """KiB at most in tensors on a GPU, where torch was loaded and used one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return torch.cuda.max_memory_allocated() // 1024


def main() -> NoReturn:
    """Become the program."""
    samples, start, *command = sys.argv[1:]
    sys.excepthook = _show
    os.environ.setdefault("CUDA_LAUNCH_BLOCKING", "1")  # or kernels outlive their call
    sampler = Sampler(samples, float(start))
    atexit.register(sampler.end)
    sampler.start()
    if command[0] == "-m":
        sys.argv, sys.path[0] = command[1:], os.getcwd()
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        _run_script(command)
    sys.exit()


def _run_script(command: list[str]) -> None:
    """As Python does; runpy.run_path would give it another argv[0] or __file__."""
    path = os.path.abspath(command[0])
    sys.argv, sys.path[0] = command, os.path.dirname(path)
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = path
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    exec(code, vars(module))


def _show(kind: type, error: BaseException, trace: TracebackType | None) -> None:
    """A traceback as it would be without us."""
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


if __name__ == "__main__":
    main()
