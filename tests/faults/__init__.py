"""The fault catalogue (reliability, section 2.2): each entry has a test that carries its id."""
