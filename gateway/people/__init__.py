"""Contacts and groups for those who look after them: in from a sheet, found, out to a sheet, joined, erased."""

from __future__ import annotations
