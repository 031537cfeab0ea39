"""Aggregates for those who see no person (F13): counts from groups of five people or more.

Each region's records are put into groups of at least five that lie in one box each: so many
diseases, counties, days (`grouping`). The sizes of the groups, rounded to fives, are all that is
ever counted with: an answer adds up the groups that lie in a cell. Whatever is asked, in whatever
combination, therefore tells no more than the list of groups, in which no number is below five.
"""
