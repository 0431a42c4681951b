"""Who the mind can be; for now, one: the base model, reached through `mind`."""
