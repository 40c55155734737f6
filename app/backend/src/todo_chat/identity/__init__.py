"""Who signs in: the OpenID provider, the accounts behind its subjects, browser sessions."""
