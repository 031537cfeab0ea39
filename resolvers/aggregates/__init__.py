"""Aggregates for those who see no person (F13): counts from one rounded table of each region.

Once a day a region's records are counted and the counts rounded to fives, in one go and so that
they add up (`rounding`, `publishing`). Whatever is asked, by whatever axes, is a sum over this
table, and is told only where five or more people stand behind it for certain (`counting`). So

- two ways to ask for the same people give the same number: there is nothing to take the mean of;
- every answer and every difference of answers is a multiple of five, and the table itself, read as
  if it were the truth, would have been told the same: no cell can be worked out;
- every number that is told is within four of the truth for each part of the table that it adds up.

docs/asking.md says which reader this holds against, and what it does not promise.
"""
