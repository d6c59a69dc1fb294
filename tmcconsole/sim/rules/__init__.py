"""What a kube-apiserver demands of objects beyond the types of their fields."""
