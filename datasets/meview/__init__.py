"""MEVIEW (Husák, Čech and Matas 2017): micro-expressions of poker players and people interviewed on television."""
