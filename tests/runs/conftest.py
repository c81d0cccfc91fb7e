"""A run is stopped by the same signals as a command."""

from __future__ import annotations

from tests.cli.conftest import signals_of_a_terminal

__all__ = ["signals_of_a_terminal"]
