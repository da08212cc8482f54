"""What the page is sent: small JSON objects under keys such as `message:C1:171.2`, so that only changes travel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Item: TypeAlias = Mapping[str, object]
Items: TypeAlias = dict[str, Item]
