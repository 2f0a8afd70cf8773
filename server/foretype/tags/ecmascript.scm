; What JavaScript and TypeScript have in common.

(class_declaration name: (_) @name) @definition.class

(method_definition
  name: [(property_identifier) (private_property_identifier)] @name
) @definition.method

[
  (function_declaration name: (identifier) @name)
  (generator_function_declaration name: (identifier) @name)
] @definition.function

(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
    ])) @definition.function

(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
  ]) @definition.function

((program
  [
    (lexical_declaration
      (variable_declarator name: (identifier) @name value: (_) @value)
    ) @definition.constant
    (export_statement
      (lexical_declaration
        (variable_declarator name: (identifier) @name value: (_) @value)
      ) @definition.constant)
  ])
  (#not-match? @value "^(await )?(require|import)[(]"))
