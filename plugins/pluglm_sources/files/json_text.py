"""One JSON text, parsed."""

from __future__ import annotations

import json
from typing import Any

from pluglm import Unreadable
from pluglm_sources.files.values import json_value


def parsed(text: str, locator: str) -> Any:
    """The value, or `Unreadable` where it is no JSON, or has half of a surrogate pair in it, which no text can hold."""
    try:
        value = json_value(text)
        # Only an escape can bring one in: the text itself was decoded.
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return Unreadable(locator, "lone_surrogate", f"{error.object[error.start]!r}")
    except (ValueError, RecursionError) as error:
        return Unreadable(locator, "invalid_json", str(error))
    return value
