"""The running program: configuration, HTTP, sign-in, limits, execution, the access log,
commands.
"""
