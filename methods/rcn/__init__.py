"""RCN: recurrent convolutional networks with parameter-free modules."""
