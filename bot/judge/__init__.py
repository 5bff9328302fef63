"""A second opinion from outside on labels that the machine is unsure of: off unless the operator names a judge.

It sees words from public places only, never of sources that forget their texts, and nobody's name. What it says is
checked, kept (`storage.opinions`) and counted like the machine's own verdicts, below every moderator's.
"""
