"""Checks of everything that the bot needs; they change nothing and post nothing."""
