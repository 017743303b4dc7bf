"""Verify bundles offline, under keys you pinned.

What is checked is known to `receipts.verify`; this file reads what is needed from files and prints what came of it. It
imports no room of the server: whoever has a bundle and a key needs nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import Struct
from msgspec.structs import replace

from tallygate.cli import USAGE
from tallygate.cli.terminal.bundles import Found, read_bundles
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson
from tallygate.cli.terminal.reckonings import check_price, reckon
from tallygate.cli.terminal.table import print_json
from tallygate.cli.terminal.verdicts import Judged, conclude, missing_file, print_verdict, to_json
from tallygate.receipts import base64_text, merkle
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.commitment import LABELS, Label
from tallygate.receipts.entries import PRICE
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.pinned import PINNED_BYTES_MAX, BadKeySet, pin_key, read_pinned
from tallygate.receipts.receipt import Receipt
from tallygate.receipts.remembered import BadMemory, Memory
from tallygate.receipts.verify import FAILED, NOT_ENOUGH, VERIFIED, Material, Reckoning, Verdict, verify

PROOF_BYTES_MAX: Final = 65_536

_ADVICE: Final = {
    "signature": "Pin the log's key with --key or --keys. Get it from the issuer, and not together with the bundle.",
    "consistency": "Fetch the proof from the log at /log/consistency?old=N&new=M, and give it with --consistency.",
}

NodePath = tuple[bytes, ...]

app = typer.Typer(add_completion=False)


class Verifier(Struct):
    """What was given beside the bundles: it is the same for all of them.

    `prices` are those the user wants the charges reckoned with, `more_prices` those that were met among the files.
    """

    pinned: KeySet | None
    opened: Mapping[Label, bytes]
    prices: Sequence[Reckoning] = ()
    more_prices: Sequence[Reckoning] = ()
    memory: Memory | None = None
    paths: Sequence[NodePath] = ()

    def judge(self, found: Found) -> Judged:
        """The verdict on one bundle. Raises BadMemory, OSError."""
        if found.unread:
            return missing_file(found.name, found.unread)
        said = verify(found.data, self.pinned)
        material = Material(opened=self.opened, reckonings=self._choose_prices(said))
        if self.memory is None or said.checkpoint is None:
            return Judged(found.name, verify(found.data, self.pinned, material))
        return Judged(found.name, self._compare(found.data, material, said.checkpoint, self.memory))

    def _compare(self, data: bytes, material: Material, head: Checkpoint, memory: Memory) -> Verdict:
        """The verdict on a bundle whose checkpoint is held to the one remembered, and remembered if it is larger."""
        remembered = memory.recall(head.origin)
        if remembered is not None:
            path = _choose_path(head, remembered, self.paths)
            material = replace(material, remembered=remembered, consistency=path)
        verdict = verify(data, self.pinned, material)
        if verdict.exit_code == VERIFIED and (remembered is None or remembered.size < head.size):
            memory.keep(head.origin, verdict.signed)
        return verdict

    def _choose_prices(self, said: Verdict) -> tuple[Reckoning, ...]:
        """A price that merely lies beside a receipt is asked of nobody: it is taken if it fits."""
        if not isinstance(said.entry, Receipt):
            return ()
        version = said.entry.charge.price
        return (*self.prices, *(price for price in self.more_prices if price.version == version))


@app.command("verify")
def verify_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Bundles; a .jsonl has one in each line.")],
    key: Annotated[str, typer.Option(metavar="VKEY", help="The log's key, as name+id+base64.")] = "",
    keys: Annotated[Path | None, typer.Option(metavar="FILE", help="A published key set that you keep.")] = None,
    opened: Annotated[
        list[str] | None,
        typer.Option("--open", metavar="LABEL=FILE", help="The bytes of an opened field. May be given more than once."),
    ] = None,
    price: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="The bundle of a price to reckon with. May be given more than once."),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hold each checkpoint to those in this file, and note it there."),
    ] = None,
    consistency: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="The proof between a remembered checkpoint and a bundle's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify bundles offline, under keys you pinned.

    Exits with 0 if all are verified, with 1 if a check failed, with 2 if none failed but something is missing.
    """
    single = len(files) == 1 and files[0].suffix != ".jsonl"
    if opened and not single:
        raise Failure("--open is about one receipt: give one file with one bundle.", USAGE)
    pinned = _pin(key, keys)
    prices = [_judge_price(found, pinned) for found in read_bundles(price or ())]
    reckonings = tuple(reckoning for judged in prices for reckoning in reckon(judged.verdict))
    verifier = Verifier(
        pinned,
        _read_opened(opened or ()),
        reckonings,
        () if single else tuple(_find_prices(files, pinned)),
        None if remember is None else Memory(remember),
        [_read_path(path) for path in consistency or ()],
    )
    try:
        code = _report(prices, map(verifier.judge, read_bundles(files)), as_json=as_json, brief=not single)
    except BadMemory as error:
        raise Failure(str(error), NOT_ENOUGH) from None
    if code != VERIFIED:
        raise typer.Exit(code)


def _report(prices: Iterable[Judged], bundles: Iterable[Judged], *, as_json: bool, brief: bool) -> int:
    """Print each verdict as it is reached. Returns the exit code for all of them."""
    counts: Counter[int] = Counter()
    told: list[dict[str, Any]] = []
    for judged, one_of_many in _mark(prices, bundles, brief=brief):
        counts[judged.verdict.exit_code] += 1
        if as_json:
            told.append(to_json(judged))
        else:
            print_verdict(judged, brief=one_of_many)
            _hint(judged.verdict)
    code = next((code for code in (FAILED, NOT_ENOUGH) if counts[code]), VERIFIED)
    if as_json:
        print_json({"exit_code": code, "files": told})
    elif counts.total() > 1:
        typer.echo(f"\n{conclude(counts)}")
    return code


def _mark(prices: Iterable[Judged], bundles: Iterable[Judged], *, brief: bool) -> Iterator[tuple[Judged, bool]]:
    """Each verdict, and whether to be brief about it."""
    for judged in prices:
        yield judged, True
    for judged in bundles:
        yield judged, brief


def _hint(verdict: Verdict) -> None:
    """What to do about what is missing."""
    missing = {check.name for check in verdict.checks if check.state == "missing"}
    for name, advice in _ADVICE.items():
        if name in missing:
            typer.echo(f"  {advice}", err=True)


def _pin(key: str, keys: Path | None) -> KeySet | None:
    """The keys that the user trusts. Raises Failure."""
    if key and keys is not None:
        raise Failure("Give --key or --keys, not both.", USAGE)
    try:
        if key:
            return pin_key(key)
        return None if keys is None else read_pinned(_read(keys, PINNED_BYTES_MAX))
    except BadKeySet as error:
        raise Failure(f"{keys or '--key'} is no key that could be pinned: {error}.", NOT_ENOUGH) from None


def _judge_price(found: Found, pinned: KeySet | None) -> Judged:
    if found.unread:
        return missing_file(found.name, found.unread)
    return Judged(found.name, check_price(verify(found.data, pinned)))


def _find_prices(files: Sequence[Path], pinned: KeySet | None) -> Iterator[Reckoning]:
    """The verified prices among many bundles."""
    for found in read_bundles(files):
        if PRICE.encode() in found.data:
            yield from reckon(check_price(verify(found.data, pinned)))


def _read_opened(given: Sequence[str]) -> dict[Label, bytes]:
    opened: dict[Label, bytes] = {}
    for text in given:
        label, equals, name = text.partition("=")
        if not equals or label not in LABELS or label in opened:
            raise Failure(f'"{text}" opens nothing: write LABEL=FILE, each label once ({", ".join(LABELS)}).', USAGE)
        opened[label] = _read(Path(name))
    return opened


def _read_path(file: Path) -> NodePath:
    """A consistency proof: a hash in base64 in each line."""
    try:
        return tuple(map(base64_text.decode, _read(file, PROOF_BYTES_MAX).decode("ascii").split()))
    except ValueError:
        raise Failure(f"{file} is no consistency proof: it has a hash in base64 in each line.", NOT_ENOUGH) from None


def _read(file: Path, bytes_max: int = -1) -> bytes:
    """A file that the user named; no more than a byte above `bytes_max` is read. Raises Failure."""
    try:
        with file.open("rb") as opened:
            return opened.read(bytes_max + 1 if bytes_max >= 0 else -1)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", NOT_ENOUGH) from None


def _choose_path(head: Checkpoint, remembered: Checkpoint, paths: Sequence[NodePath]) -> NodePath | None:
    """Of several proofs the one that fits; if none does, any."""
    old, new = sorted((head, remembered), key=lambda one: one.size)
    fitting = (path for path in paths if merkle.verify_consistency(old.size, new.size, path, old.root, new.root))
    return next(fitting, paths[0] if paths else None)
