"""The page's server: shows both stand-ins to a browser on this computer and passes on what is done there."""

from bot.sandbox.desk.desk import Desk

__all__ = ["Desk"]
