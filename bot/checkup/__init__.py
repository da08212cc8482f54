"""Floor 3: is everything there that the bot needs? Looked at from outside in; nothing is posted, nothing is changed."""
