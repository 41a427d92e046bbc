"""What workers tell of themselves, and what they are asked."""
