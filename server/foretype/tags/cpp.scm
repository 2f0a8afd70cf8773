(class_specifier name: (_) @name body: (_)) @definition.class

[
  (function_definition
    declarator: [
      (function_declarator
        declarator: [
          (field_identifier) @name
          (qualified_identifier name: (_) @name)
        ])
      (pointer_declarator
        declarator: (function_declarator
          declarator: [
            (field_identifier) @name
            (qualified_identifier name: (_) @name)
          ]))
      (reference_declarator
        (function_declarator
          declarator: [
            (field_identifier) @name
            (qualified_identifier name: (_) @name)
          ]))
    ])
  (field_declaration
    declarator: [
      (function_declarator declarator: (field_identifier) @name)
      (pointer_declarator
        declarator: (function_declarator declarator: (field_identifier) @name))
      (reference_declarator
        (function_declarator declarator: (field_identifier) @name))
    ])
] @definition.method

[
  (function_definition
    declarator: (reference_declarator
      (function_declarator declarator: (identifier) @name)))
  (declaration
    declarator: (reference_declarator
      (function_declarator declarator: (identifier) @name)))
] @definition.function

[
  (alias_declaration name: (type_identifier) @name)
  (concept_definition name: (identifier) @name)
] @definition.type

[
  (field_declaration)
  (function_definition declarator: (function_declarator declarator: (destructor_name)))
] @member
