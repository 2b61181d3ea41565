"""Learning by interaction (SOTOPIA-pi, arXiv 2403.08715): one file a stage, each runnable alone."""
