"""Tests, named after the modules they read."""
