"""Aggregates for those who see no person (F13): counts from groups of five people or more.

A question uses some axes (disease, place, day …), for what counts are told apart by and for what
narrows them: three at most. For each such set of axes a region's records are put into groups of at
least five that lie in one box each (`grouping`). The sizes of the groups, rounded to fives, are all
that is ever counted with: an answer adds up the groups that lie in a cell (`counting`). So

- questions over the same axes, in whatever combination, tell no more than the list of groups, in
  which no number is below five: every difference of two answers is none or at least five people;
- answers over different axes have nothing in common but people. Their difference is a multiple of
  five and off by up to four for each group in them, so that what is one to four may as well be
  none, or five and more.
"""
