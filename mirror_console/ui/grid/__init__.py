"""The alignment page: mirrors by environments, and what is wrong with them."""
