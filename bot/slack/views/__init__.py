"""What messages look like: pure functions from an upgrade and words to blocks."""
