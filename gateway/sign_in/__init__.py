"""Signing in and out, and what proves who it is: passwords, codes, passkeys, providers, clients."""

from __future__ import annotations

from gateway.sign_in.answers import BODY_MAX
from gateway.sign_in.routes import SignIn

__all__ = ["BODY_MAX", "SignIn"]
