"""What is said to a contact and what is remembered of the answers."""
