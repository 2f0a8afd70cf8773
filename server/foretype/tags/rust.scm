[
  (function_item name: (identifier) @name)
  (function_signature_item name: (identifier) @name)
  (macro_definition name: (identifier) @name)
] @definition.function

(trait_item name: (type_identifier) @name) @definition.class

[
  (struct_item name: (type_identifier) @name)
  (enum_item name: (type_identifier) @name)
  (union_item name: (type_identifier) @name)
  (type_item name: (type_identifier) @name)
] @definition.type

[
  (const_item name: (identifier) @name)
  (static_item name: (identifier) @name)
] @definition.constant

(impl_item) @scope
