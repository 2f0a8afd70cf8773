(field_definition) @member
