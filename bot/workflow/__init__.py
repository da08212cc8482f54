"""What happens at a command, a click, and when a row is due; knows the core and its ports only."""
