"""The stores of the regions: tables, migrations, statements, sealing, connections. No GraphQL
here.
"""
