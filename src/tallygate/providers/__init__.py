"""Address: providers as data, one file each where there is a quirk, and the engines on this machine.

The only room that spells a provider's name.
"""
