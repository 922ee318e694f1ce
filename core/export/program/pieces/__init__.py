"""The program that a system is given away as: all that a system can be made of; nothing in the tool imports it."""
