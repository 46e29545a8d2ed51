"""What no rule or integral covers, on seeded draws."""
