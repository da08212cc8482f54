"""Prints pip's constraints for the oldest versions that pyproject.toml allows of what the bot runs on."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)(?:,.*)?")


def lower_bounds(requirements: list[str]) -> list[str]:
    """`name==version` of each; ValueError for one without a lower bound."""
    bounds = []
    for requirement in requirements:
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement} has no lower bound of the form name>=version")
        bounds.append(f"{match[1]}=={match[2]}")
    return bounds


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    print("\n".join(lower_bounds(project["dependencies"] + project["optional-dependencies"]["postgres"])))
