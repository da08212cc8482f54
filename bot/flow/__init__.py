"""Floor 1: the way of one upgrade — asked, answered, sent, followed, told. asyncio and the core only."""
