"""The mark of what stands on a screen. Its buttons carry it, so that an old button answers nothing that is open now.

Pure. The mark is short and tells nothing by itself: whoever holds it has the text of the screen besides.
"""

from __future__ import annotations

import json
from base64 import b32encode
from hashlib import sha256

from dialogs.showing import Shown


def place_of(shown: Shown, run: int) -> str:
    """Eight letters and digits, the same for the same question with the same choices in the same run."""
    told = [shown.dialog, run, shown.step, shown.page, shown.say, shown.choices, shown.typed, shown.keep]
    return b32encode(sha256(json.dumps(told).encode()).digest()[:5]).decode().lower()
