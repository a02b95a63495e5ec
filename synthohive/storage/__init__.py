"""What is learned, as files, and back."""
