"""Finding personal data, replacing it, and measuring what a synthetic row gives away."""
