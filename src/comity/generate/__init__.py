"""New scenarios, characters and relationships from seed ideas: asked of a model, checked by rules, decided by a person, kept with all of it."""
