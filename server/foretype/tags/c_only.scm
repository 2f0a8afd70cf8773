(field_declaration) @member
