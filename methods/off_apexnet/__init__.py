"""OFF-ApexNet: two streams on horizontal and vertical flow from onset to apex."""
