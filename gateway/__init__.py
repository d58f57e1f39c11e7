"""How the dialogs reach phones: endpoints, providers, the outbox, the console and the commands."""
