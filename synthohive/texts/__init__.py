"""How texts are built: words, codes, check digits, moments, documents."""
