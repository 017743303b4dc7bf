"""The other gateways a run is compared with: how each is installed, configured and started.

One function per peer returns a `Target`; nothing here measures. Everything is written below the work folder
and binds to 127.0.0.1 only. Versions are pinned where a peer is installed by pip or npm, so that two runs months
apart compare with the same peer; transitive versions float and are recorded in `versions.txt` beside each one.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-bench"
MODELS = ("bench-fast", "bench-paced", "bench-held")
INSTALL_TIMEOUT_S = 900
STREAMS_MAX = 5000


class InstallError(Exception):
    """A peer could not be installed, or is not installed; the message says what to do."""


@dataclass
class Target:
    """One thing that is loaded: where it listens, how it is started, what it can be asked."""

    name: str
    url: str
    command: list[str] | None = None
    headers: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    model: str = "{model}"
    speaks: frozenset[str] = frozenset({"chat"})
    streams: bool = True
    start_timeout_s: float = 60
    version: str = ""


@dataclass(frozen=True)
class Peer:
    install: Callable[[Path], None]
    target: Callable[[Path, int, str], Target]
    ports: int = 1
    default: bool = True


# --- installing -------------------------------------------------------------------------------------------------------


def _run(argv: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            timeout=INSTALL_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError as error:
        raise InstallError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"gave up after {INSTALL_TIMEOUT_S} s: {' '.join(argv)}") from error
    except subprocess.CalledProcessError as error:
        raise InstallError(f"exit {error.returncode}: {' '.join(argv)}\n{error.stdout[-2000:]}") from error
    return done.stdout


def _home(work: Path, name: str) -> Path:
    return work / "peers" / name


def _pip(name: str, *requirements: str) -> Callable[[Path], None]:
    """A virtual environment of its own, made by the Python that runs the rig."""

    def install(work: Path) -> None:
        home = _home(work, name)
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        python = str(home / "bin" / "python")
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        (home / "versions.txt").write_text(_run([python, "-m", "pip", "freeze", "--disable-pip-version-check"]))

    return install


def _pinned(work: Path, name: str, package: str) -> str:
    """The installed version, read from what the installation recorded."""
    listing = _home(work, name) / "versions.txt"
    if not listing.exists():
        raise InstallError(f"{name} is not installed; run: rig.py install {name}")
    for line in listing.read_text().splitlines():
        if line.lower().startswith(package.lower() + "=="):
            return line.split("==", 1)[1]
    return "unknown"


@contextmanager
def _services_stay_stopped() -> Iterator[None]:
    """Debian's policy-rc.d: a package installed now must not start its own service."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _apt(*packages: str) -> None:
    if os.geteuid() != 0:
        raise InstallError(f"needs root: apt-get install {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with _services_stay_stopped():
        _run(["apt-get", "update", "-q"], env=quiet)
        _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)


def _debian(program: str) -> Callable[[Path], None]:
    def install(work: Path) -> None:
        if _program(program) is None:
            _apt(program)

    return install


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


def _needed(name: str) -> str:
    path = _program(name)
    if path is None:
        raise InstallError(f"{name} is not installed; run: rig.py install {name}")
    return path


def _install_portkey(work: Path) -> None:
    if _program("node") is None or _program("npm") is None:
        _apt("nodejs", "npm")
    home = _home(work, "portkey")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    # With newer hono versions, streamed answers end in a 500 ("TypeError: immutable"); these two stream.
    manifest = {
        "private": True,
        "dependencies": {"@portkey-ai/gateway": "1.15.2"},
        "overrides": {"@hono/node-server": "1.3.3", "hono": "4.6.10"},
    }
    (home / "package.json").write_text(json.dumps(manifest))
    _run(["npm", "install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=home)
    # The server binds every interface and has no option for it.
    (home / "loopback.cjs").write_text(
        "const { Server } = require('net');\n"
        "const listen = Server.prototype.listen;\n"
        "Server.prototype.listen = function (first, ...rest) {\n"
        "  if (first !== null && typeof first === 'object') first = { ...first, host: '127.0.0.1' };\n"
        "  else rest = ['127.0.0.1', ...rest.filter((x) => typeof x === 'function')];\n"
        "  return listen.call(this, first, ...rest);\n"
        "};\n"
    )
    (home / "versions.txt").write_text("@portkey-ai/gateway==1.15.2\nhono==4.6.10\n@hono/node-server==1.3.3\n")


# --- configuring and starting -----------------------------------------------------------------------------------------


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _run_folder(work: Path, name: str) -> Path:
    folder = work / "run" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _bearer() -> list[str]:
    return [f"Authorization: Bearer {KEY}"]


def _nginx(work: Path, port: int, upstream: str) -> Target:
    program, folder = _needed("nginx"), _run_folder(work, "nginx")
    user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else ""
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    place = upstream.removeprefix("http://")
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"{user}\nevents {{ worker_connections {4 * STREAMS_MAX}; }}\n"
        f"http {{\n access_log off; keepalive_requests 100000000; {temporary}\n"
        f" upstream fake {{ server {place}; keepalive 256; keepalive_requests 100000000; }}\n"
        f' map $http_authorization $known {{ default 0; "Bearer {KEY}" 1; }}\n'
        f" server {{ listen 127.0.0.1:{port} backlog=4096; location / {{\n"
        f"  if ($known = 0) {{ return 401; }} proxy_pass http://fake; proxy_http_version 1.1;\n"
        f'  proxy_set_header Connection ""; proxy_buffering off; }} }}\n}}\n'
    )
    version = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=10).stderr.rpartition("/")[2]
    return Target(
        "nginx",
        _local(port),
        [program, "-e", f"{folder}/error.log", "-p", f"{folder}/", "-c", str(config)],
        _bearer(),
        speaks=frozenset({"chat", "messages"}),
        version=version.strip(),
    )


def _haproxy(work: Path, port: int, upstream: str) -> Target:
    program, config = _needed("haproxy"), _run_folder(work, "haproxy") / "haproxy.cfg"
    config.write_text(
        f"global\n  nbthread 1\n  maxconn {STREAMS_MAX + 512}\n"
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 120s\n  timeout server 120s\n"
        "  option http-keep-alive\n  option http-no-delay\n  http-reuse always\n"
        f"frontend bench\n  bind 127.0.0.1:{port} backlog 4096\n"
        f'  http-request deny deny_status 401 unless {{ req.hdr(authorization) "Bearer {KEY}" }}\n'
        f"  default_backend fake\nbackend fake\n  server one {upstream.removeprefix('http://')}\n"
    )
    said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=10).stdout.split()
    return Target(
        "haproxy",
        _local(port),
        [program, "-db", "-f", str(config)],
        _bearer(),
        speaks=frozenset({"chat", "messages"}),
        version=said[2] if len(said) > 2 else "",
    )


def _litellm(work: Path, port: int, upstream: str) -> Target:
    home, config = _home(work, "litellm"), _run_folder(work, "litellm") / "config.json"
    version = _pinned(work, "litellm", "litellm")
    # Prices are given because a model without one costs a diagnostic on every call.
    priced = {"api_key": "sk-upstream", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    settings = {
        "model_list": [
            {"model_name": m, "litellm_params": {"model": f"openai/{m}", "api_base": f"{upstream}/v1", **priced}}
            for m in MODELS
        ],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    config.write_text(json.dumps(settings, indent=1))  # JSON is YAML
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    command = [str(home / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    return Target("litellm", _local(port), command, _bearer(), env, config.parent, start_timeout_s=180, version=version)


def _portkey(work: Path, port: int, upstream: str) -> Target:
    home = _home(work, "portkey")
    version = _pinned(work, "portkey", "@portkey-ai/gateway")
    server = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command = [_needed("node"), "--require", str(home / "loopback.cjs"), str(server), f"--port={port}", "--headless"]
    headers = [*_bearer(), "x-portkey-provider: openai", f"x-portkey-custom-host: {upstream}/v1"]
    env = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"}
    return Target("portkey", _local(port), command, headers, env, home, version=version)


def _sglang_router(work: Path, port: int, upstream: str) -> Target:
    home = _home(work, "sglang-router")
    version = _pinned(work, "sglang-router", "sglang-router")
    command = [
        str(home / "bin" / "sglang-router"),
        "launch",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--worker-urls",
        upstream,
        "--backend",
        "openai",
        "--policy",
        "round_robin",
        "--api-key",
        KEY,
        "--log-level",
        "warn",
        "--prometheus-host",
        "127.0.0.1",
        "--prometheus-port",
        str(port + 1),
        "--max-concurrent-requests",
        str(2 * STREAMS_MAX),
    ]
    return Target(
        "sglang-router", _local(port), command, _bearer(), {}, _run_folder(work, "sglang-router"), version=version
    )


def _mlflow(work: Path, port: int, upstream: str) -> Target:
    home, folder = _home(work, "mlflow"), _run_folder(work, "mlflow")
    version = _pinned(work, "mlflow", "mlflow")
    provider = {"openai_api_key": "sk-upstream", "openai_api_base": f"{upstream}/v1"}
    endpoints = [
        {"name": m, "endpoint_type": "llm/v1/chat", "model": {"provider": "openai", "name": m, "config": provider}}
        for m in MODELS
    ]
    config = folder / "config.json"
    config.write_text(json.dumps({"endpoints": endpoints}, indent=1))
    command = [
        str(home / "bin" / "mlflow"),
        "gateway",
        "start",
        "--config-path",
        str(config),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    env = {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{home}/bin:{os.environ.get('PATH', '')}"}
    # Its streams end without [DONE], so only whole answers can be compared.
    return Target("mlflow", _local(port), command, [], env, folder, streams=False, start_timeout_s=180, version=version)


PEERS: dict[str, Peer] = {
    "nginx": Peer(_debian("nginx"), _nginx),
    "haproxy": Peer(_debian("haproxy"), _haproxy),
    "sglang-router": Peer(_pip("sglang-router", "sglang-router==0.3.2"), _sglang_router, ports=2),
    "portkey": Peer(_install_portkey, _portkey),
    "litellm": Peer(_pip("litellm", "litellm[proxy]==1.106.2"), _litellm),
    "mlflow": Peer(_pip("mlflow", "mlflow[gateway]==3.17.2"), _mlflow, default=False),
}
