"""What front ends see: records of targets, kinds and objects, built when somebody pulls."""
