"""What is measured, as processes: started one by one on free ports, with what each spends and holds."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

CONFIG: Final = """
discover = false
[providers.bench]
base_url = "http://127.0.0.1:{port}"
auth = "none"
speaks = {{ openai_chat = "/v1/chat/completions" }}
[models.bench]
targets = ["bench/bench"]
price = {{ input = "1.00", output = "4.00" }}
[models.bench-paced]
targets = ["bench/bench-paced"]
price = {{ input = "1.00", output = "4.00" }}
[models.bench-held]
targets = ["bench/bench-held"]
price = {{ input = "1.00", output = "4.00" }}
[limits]
concurrency = 10000
"""


class Server:
    """A program that prints its port first, for the length of a `with` block."""

    key = "none"

    def __init__(self, *command: str, environ: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **(environ or {})}
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        self.port = int(self._read_line())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "it did not start"
        return line

    def cpu_s(self) -> float:
        """Processor seconds of all its threads so far, by the kernel's account, which is exact to the nanosecond."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def memory_mb(self) -> float:
        """Megabytes it holds, shared pages counted by its share."""
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{self.pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0


class Gateway(Server):
    """A gateway in a folder of its own. One that was used before has made its `key` already."""

    def __init__(self, module: str, folder: Path, upstream_port: int, key: str = "") -> None:
        folder.mkdir(exist_ok=True)
        config = folder / "tallygate.toml"
        config.write_text(CONFIG.format(port=upstream_port))
        self.began_s = time.monotonic()
        self.key = key
        command = (module, "serve", "--port", "0", "--config", str(config), "--data", str(folder / "data"))
        super().__init__(*command, environ={"TALLYGATE_OPENING_CREDIT_USD": "100000"})

    def __enter__(self) -> Self:
        banner = self._read_line()
        self.port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", banner)[0])
        while not self.key:
            found = re.findall(r"lx-\w+", self._read_line())
            self.key = found[0] if found else ""
        return self
