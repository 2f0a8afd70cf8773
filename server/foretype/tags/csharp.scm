[
  (class_declaration name: (identifier) @name)
  (interface_declaration name: (identifier) @name)
  (record_declaration name: (identifier) @name)
  (struct_declaration name: (identifier) @name)
] @definition.class

[
  (enum_declaration name: (identifier) @name)
  (delegate_declaration name: (identifier) @name)
] @definition.type

(method_declaration name: (identifier) @name) @definition.method

[
  (constructor_declaration)
  (field_declaration)
  (property_declaration)
] @member
