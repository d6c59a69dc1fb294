"""What front ends see: records of targets, kinds and objects, made when somebody looks."""
