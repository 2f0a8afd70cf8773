; What C and C++ have in common.

[
  (function_definition
    declarator: [
      (function_declarator declarator: (identifier) @name)
      (pointer_declarator
        declarator: (function_declarator declarator: (identifier) @name))
      (pointer_declarator
        declarator: (pointer_declarator
          declarator: (function_declarator declarator: (identifier) @name)))
    ])
  (declaration
    declarator: [
      (function_declarator declarator: (identifier) @name)
      (pointer_declarator
        declarator: (function_declarator declarator: (identifier) @name))
      (pointer_declarator
        declarator: (pointer_declarator
          declarator: (function_declarator declarator: (identifier) @name)))
    ])
  (preproc_function_def name: (identifier) @name)
] @definition.function

[
  (struct_specifier name: (type_identifier) @name body: (_))
  (union_specifier name: (type_identifier) @name body: (_))
] @definition.class

[
  (enum_specifier name: (type_identifier) @name body: (_))
  (type_definition
    declarator: [
      (type_identifier) @name
      (pointer_declarator declarator: (type_identifier) @name)
      (function_declarator
        declarator: (parenthesized_declarator
          (pointer_declarator declarator: (type_identifier) @name)))
    ])
] @definition.type

[
  (preproc_def name: (identifier) @name value: (_))
  (declaration
    declarator: (init_declarator
      declarator: [
        (identifier) @name
        (array_declarator declarator: (identifier) @name)
      ]))
] @definition.constant
