"""The GraphQL language of epigate: types, inputs, enums, scalars, directives. No I/O."""
