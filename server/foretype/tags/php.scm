[
  (class_declaration name: (name) @name)
  (interface_declaration name: (name) @name)
  (trait_declaration name: (name) @name)
  (enum_declaration name: (name) @name)
] @definition.class

(function_definition name: (name) @name) @definition.function

(method_declaration name: (name) @name) @definition.method

(const_declaration (const_element (name) @name)) @definition.constant

[
  (property_declaration)
  (enum_case)
] @member
