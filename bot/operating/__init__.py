"""Floor 4: what operators run beside the bot: the doctor, the audit trail's reader, the move to another database."""
