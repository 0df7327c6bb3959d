"""Which registered policy is in use, and what another one must show to take its place."""

from pathlib import Path
from typing import TYPE_CHECKING

from budget.errors import PolicyError
from experiments.registry import DEFAULT_NAME, Registry, Version, policy_sha256
from policies.policy_files import load_policy
from policies.policy_schema import POLICY_FILE

if TYPE_CHECKING:
    from policies.judging import Policy


def promote(registry: Registry, version: Version, *, force: bool = False) -> None:
    """Mark a version as the one in use under its name.

    It must load and be as it was registered. Unless forced, it must have been evaluated, and
    must close at least as much of the gap as the one in use, on the curves it was evaluated on
    last of those that both were evaluated on.

    Raises:
        PolicyError: if it may not be promoted.
    """
    load_registered(version)
    if not force:
        _check_evaluations(registry, version)
    registry.mark(version)


def _check_evaluations(registry: Registry, version: Version) -> None:
    found = registry.evaluations(version.sha256)
    if not found:
        raise PolicyError(
            f"{version.label} was never evaluated here; run 'budget policy evaluate "
            f"--policy {version.folder} --track {registry.folder}' first, or give --force"
        )
    champion = registry.champion(version.name)
    if champion is None or champion.sha256 == version.sha256:
        return
    before: dict[str, float] = {}
    for old in registry.evaluations(champion.sha256):
        before.setdefault(old.test_sha256, old.value)
    both = next((new for new in found if new.test_sha256 in before), None)
    if both is None:
        raise PolicyError(
            f"{version.label} and {champion.label}, which is in use, were never evaluated on "
            f"the same curves; do so, or give --force"
        )
    if both.value < before[both.test_sha256]:
        raise PolicyError(
            f"{version.label} closes {both.value:.1%} of the stable gap, {champion.label}, "
            f"which is in use, {before[both.test_sha256]:.1%}; give --force to use it all the same"
        )


def load_registered(version: Version) -> "Policy":
    """Load a registered policy, after checking that it is the one that was registered.

    Raises:
        PolicyError: if its files are gone, changed or not a policy of this version of the code.
    """
    found = policy_sha256(version.folder)
    if found != version.sha256:
        raise PolicyError(
            f"{version.folder / POLICY_FILE} was changed: its sha256 is {found[:12]}, it was "
            f"registered as {version.sha256[:12]}"
        )
    return load_policy(version.folder)


def promoted_policy(track: Path, name: str = DEFAULT_NAME) -> tuple[Version, "Policy"]:
    """Return the policy in use and where it is registered.

    Args:
        track: the tracking folder.
        name: that policies are registered under.

    Raises:
        PolicyError: if none is in use, or it does not load.
    """
    version = Registry(track).champion(name)
    if version is None:
        raise PolicyError(f"no policy {name!r} was promoted in {track}")
    return version, load_registered(version)
