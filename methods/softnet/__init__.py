"""SOFTNet: Shallow Optical Flow Three-stream network, a spotter of micro- and macro-expressions."""
