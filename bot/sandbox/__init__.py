"""The stand-in Slack, the stand-in TaurusDB and the page to try the bot with: nothing here leaves loopback."""
