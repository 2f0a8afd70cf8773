(function_declaration name: (identifier) @name) @definition.function

(method_declaration name: (field_identifier) @name) @definition.method

[
  (type_spec name: (type_identifier) @name)
  (type_alias name: (type_identifier) @name)
] @definition.type

(const_spec name: (identifier) @name) @definition.constant

(var_spec name: (identifier) @name) @definition.constant
