"""The tests have the shape of the source: who looks for a module's tests finds them at the same path."""

from pathlib import PurePosixPath

from tests.house.source import PACKAGE, ROOT, read_sources

OWN_SHAPE = {"campaign", "contract", "fakes", "faults", "fixtures", "golden", "house", "laws", "money", "security"}


def test_every_test_has_its_module() -> None:
    tests = [file.path for file in read_sources() if file.path.startswith("tests/")]
    astray = [path for path in tests if not _is_mirrored(path)]
    assert not astray, "no module stands at the same path as " + ", ".join(astray)


def test_a_stray_test_is_found() -> None:
    assert not _is_mirrored("tests/genai/test_nowhere.py")
    assert not _is_mirrored("tests/nowhere/test_errors.py")
    assert not _is_mirrored("tests/nowhere/test_nowhere.py")


def test_a_module_may_have_several_tests() -> None:
    assert _is_mirrored("tests/test_errors.py")
    assert _is_mirrored("tests/test_errors_rendered.py")


def _is_mirrored(path: str) -> bool:
    """Whether `test_x.py`, or `test_x_topic.py`, has its `x.py`, its folder `x`, or is in folder `x` itself."""
    place = PurePosixPath(path).relative_to("tests")
    if place.parts[0] in OWN_SHAPE or not place.name.startswith("test_"):
        return True
    words = place.stem.removeprefix("test_").split("_")
    names = ("_".join(words[:end]) for end in range(len(words), 0, -1))
    folder = ROOT / PACKAGE / place.parent
    modules = {folder.name, *(module.stem for module in folder.iterdir())} if folder.is_dir() else set[str]()
    return not modules.isdisjoint(names)
