"""Slack: Web API, Socket Mode, Bolt's listeners, users, and what is posted."""
