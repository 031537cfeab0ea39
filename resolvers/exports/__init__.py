"""Exports: lists as files, by the same questions as the lists themselves (F2, F9).

`requesting` and `listing` are the mutations and the question; `columns` and `document` make the
question a file is read by; `csv_file` and `xlsx_file` write it. `gateway.exports` streams it.
"""
