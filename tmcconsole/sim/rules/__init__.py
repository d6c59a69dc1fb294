"""The validation rules of a kube-apiserver beyond field types."""
