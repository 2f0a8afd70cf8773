(abstract_class_declaration name: (_) @name) @definition.class

[
  (interface_declaration name: (_) @name)
  (type_alias_declaration name: (_) @name)
  (enum_declaration name: (_) @name)
] @definition.type

(function_signature name: (identifier) @name) @definition.function

(abstract_method_signature
  name: (property_identifier) @name) @definition.method

(public_field_definition) @member
