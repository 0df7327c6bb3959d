"""What mkdocs calls while it builds: adds the pages that the code itself tells.

Named in ``mkdocs.yml``. The log of changes and the log of findings become pages as they are.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from experiments.manual.commands import commands_page
from experiments.manual.interface import PACKAGES, interface_page

ROOT = Path(__file__).parents[2]
# Files from elsewhere in the repository, by the name that pages know them by.
TAKEN = {
    "changes.md": "CHANGELOG.md",
    "findings.md": "LOG.md",
    "frontier-demo.png": "experiments/demo/frontier.png",
    "card-m3.md": "experiments/scenes/weights/m3/README.md",
    "card-mqt.md": "experiments/scenes/weights/mqt/README.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of ``docs``."""
    pages = {"commands.md": commands_page()}
    pages |= {f"api-{package}.md": interface_page(package) for package in PACKAGES}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for name, source in TAKEN.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files
