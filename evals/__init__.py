"""How good is it, measured offline. The numbers of `LOG.md` come from the commands here."""
