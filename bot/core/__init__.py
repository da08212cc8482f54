"""Floor 0: what an upgrade is and who may do what with it. It knows the standard library, not Slack, not HTTP."""
