"""SAMM (Davison et al. 2018): micro-movements of people from many backgrounds at 200 frames per second."""
