"""Starting, finding and ending the simulator's own server processes.

A server runs in a session of its own, so it outlives the command that started it. Beside its data lies
`server.json` (process id, port, a random mark); the same mark stands on the process's command line, so a stale
file never leads to somebody else's process being ended.
"""

import argparse
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from wangting.errors import WangtingError

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 30.0  # a cold start takes under 2 s; a loaded two-core machine has needed 12
STOP_SECONDS = 5.0  # after this a server that will not end by itself is killed

_children: dict[int, "subprocess.Popen[bytes]"] = {}

App = Callable[[Any, Any, Any], Awaitable[None]]


# ---- the side that starts and stops -------------------------------------------------------------------------


def start(
    home: Path,
    folder: Path,
    module: str,
    arguments: Sequence[str],
    title: str,
    secrets_of: Mapping[str, str] | None = None,
) -> str:
    """Start `python -m module` with its state in `folder`, wait until it is healthy, return its base address.

    A server that already runs with the same arguments is left alone; one with other arguments is restarted. What is
    secret goes in `secrets_of`, as environment: everybody on the machine may read a command line.
    Raises WangtingError with the server's own last words when it does not come up.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = _running(folder)
    if running is not None:
        if running.get("arguments") == list(arguments):
            return _address(running)
        stop(folder)
    mark = secrets.token_hex(8)
    log = folder / "server.log"
    environment = os.environ | {"WANGTING_HOME": str(home), "PYTHONUNBUFFERED": "1"} | dict(secrets_of or {})
    environment["PYTHONPATH"] = os.pathsep.join(
        part for part in (str(PROJECT), os.environ.get("PYTHONPATH", "")) if part
    )
    with log.open("ab") as output:
        offset = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", module, "--folder", str(folder), "--mark", mark, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            env=environment,
            start_new_session=True,
        )
    _children[child.pid] = child
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = _read_state(folder)
        if state is not None and state.get("mark") == mark and _is_healthy(_address(state), mark):
            return _address(state)
        if child.poll() is not None:
            break
        time.sleep(0.05)
    last_words = _last_words(log, offset)
    if child.poll() is None:
        child.kill()
        child.wait()
        last_words = f"{START_SECONDS:.0f} 秒内没有就绪"
    raise WangtingError(f"{title}没有启动：{last_words}", place=str(folder), mend=f"请查看日志 {log} 后重试")


def stop(folder: Path) -> bool:
    """End the server of `folder`; True when one was running. Whoever else got its process id is left alone."""
    state = _running(folder)
    if state is not None:
        end(int(state["pid"]), str(state["mark"]), STOP_SECONDS)
    (folder / "server.json").unlink(missing_ok=True)
    return state is not None


def is_ours(pid: int, mark: str) -> bool:
    """Whether the process `pid` runs and has `mark` among the words of its command line."""
    return _is_ours(pid, mark)


def end(pid: int, mark: str, seconds: float) -> None:
    """End the process `pid` if it is the one with `mark`; one that will not end within `seconds` is killed."""
    if not _is_ours(pid, mark):
        return
    _signal(pid, signal.SIGTERM)
    if not _wait_gone(pid, mark, seconds):
        _signal(pid, signal.SIGKILL)
        _wait_gone(pid, mark, seconds)


def keep(child: "subprocess.Popen[bytes]") -> None:
    """Remember a child of this process, so that it is no zombie that still looks alive once it has ended."""
    _children[child.pid] = child


def address(folder: Path) -> str | None:
    """The base address of the server of `folder`, or None when it does not run."""
    state = _running(folder)
    return _address(state) if state is not None else None


def process_id(folder: Path) -> int | None:
    """The process id of the server of `folder`, or None when it does not run."""
    state = _running(folder)
    return int(state["pid"]) if state is not None else None


def secret(path: Path) -> str:
    """A random text that is made once and kept in `path` (mode 0600)."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    text = secrets.token_urlsafe(24)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    return text


def _address(state: Mapping[str, Any]) -> str:
    return f"http://127.0.0.1:{state['port']}"


def _read_state(folder: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((folder / "server.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _running(folder: Path) -> dict[str, Any] | None:
    state = _read_state(folder)
    if state is None or not _is_ours(int(state.get("pid", 0)), str(state.get("mark", ""))):
        return None
    return state


def _is_ours(pid: int, mark: str) -> bool:
    if pid <= 1 or not mark:
        return False
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
        return False
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return mark.encode() in command.read_bytes().split(b"\0")
        except OSError:
            return False
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return mark in listing.stdout.split()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait_gone(pid: int, mark: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_ours(pid, mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_healthy(base: str, mark: str) -> bool:
    # The opener without proxies: a loopback address must not be asked for through the user's proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{base}/health", timeout=2) as answer:
            return bool(json.load(answer).get("mark") == mark)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _last_words(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removesuffix("。") if lines else "进程一启动就结束了"


# ---- the server's side --------------------------------------------------------------------------------------


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every server takes: where its state lies and the mark it is known by."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--mark", required=True)
    return parser


def hold(folder: Path) -> IO[str]:
    """Take the folder for this process as long as the returned file is open: two servers never share one store."""
    file = (folder / "server.lock").open("w", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"目录 {folder} 正被另一个模拟服务进程使用，请先停止它。") from None
    return file


def serve(app: App, folder: Path, mark: str) -> None:
    """Serve `app` until SIGTERM on the port used last time, or any free one; `server.json` says which."""
    import gc

    import uvicorn

    listener = _listen(folder / "port")
    port = int(listener.getsockname()[1])
    (folder / "port").write_text(str(port), "ascii")
    # What follows --folder and --mark tells `start` whether this is the server that it wants.
    given = sys.argv[5:]
    draft = folder / f"server.json.{os.getpid()}"
    draft.write_text(
        json.dumps({"pid": os.getpid(), "port": port, "mark": mark, "arguments": given}), "utf-8"
    )
    draft.replace(folder / "server.json")
    # What is loaded by now stays for the process's life: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )
    # uvicorn raises the signal once more when it has shut down; the process must still come to close its store.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[listener])


def _listen(port_file: Path) -> socket.socket:
    try:
        wanted = int(port_file.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        wanted = 0
    for port in dict.fromkeys((wanted, 0)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:  # taken by somebody else meanwhile: any other free port will do
            listener.close()
            continue
        listener.listen(2048)
        return listener
    raise SystemExit("本机没有可用的端口，请关闭不用的程序后重试。")
