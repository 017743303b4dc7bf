"""Lets a page of the documentation link to the code it speaks of, as `../src/tallygate/errors.py`.

Such a link works where the repository is browsed as it stands. In the built site the linked file is put beside the
pages, as text, and the link is pointed there; a link to a file that is not there fails the strict build.
"""

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\((?:\.\./)+((?:src|tests|scripts|examples)/[^)#\s]*)(?:#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every linked source file to the site."""
    root = Path(config.config_file_path).parent
    pages = [file.content_string for file in files.documentation_pages()]
    for path in sorted({_file_of(match) for page in pages for match in _LINK.findall(page)}):
        if (root / path).is_file():
            files.append(File.generated(config, f"{path}.txt", abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the page's links at the copies."""
    up = "../" * (len(PurePosixPath(page.file.src_uri).parts) - 1)
    return _LINK.sub(lambda match: f"]({up}{_file_of(match[1])}.txt)", markdown)


def _file_of(path: str) -> str:
    """A link to a folder means the file that says what the folder is for: a package of its own has no other."""
    if PurePosixPath(path).suffix:
        return path
    return f"{path.rstrip('/')}/{'pyproject.toml' if path.startswith('examples/') else '__init__.py'}"
