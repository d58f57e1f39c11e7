"""Fake providers on this machine: they take messages as the real ones do, and send nothing to anybody.

`ngazi fake africastalking --port 9001 --log sent.jsonl` starts one. Tests and the bench use the same. They listen on
127.0.0.1 only and call only this machine. How to use them: docs/try-sending.md.
"""

from __future__ import annotations
