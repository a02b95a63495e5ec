"""Training the models of many tables, in this process or others, and going on after a break."""
