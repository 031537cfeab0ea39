"""Privacy in the language: private items and record types; roles, applications, grants, emergency
access and requests for data stand in modules beside them.
"""

from schema.privacy.items import MASK, Private, PrivateItem, RecordType

__all__ = ["MASK", "Private", "PrivateItem", "RecordType"]
