"""What can be trained: each family in a file of its own, and one table of them."""
