"""What happens to an object before it is stored: defaulting, validation, quota, RBAC."""
