"""Language models, reached over the network."""
